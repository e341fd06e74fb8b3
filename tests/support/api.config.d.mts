declare const config: { readonly testMatch: readonly string[]; readonly testPathIgnorePatterns: readonly string[] };
export default config;
