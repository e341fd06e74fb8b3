/** A run of a property again, as its failure printed it: `TENANTRY_SEED=… TENANTRY_PATH=…`. */
export const replay: { readonly seed?: number; readonly path?: string } = {
  ...(process.env.TENANTRY_SEED && { seed: Number(process.env.TENANTRY_SEED) }),
  ...(process.env.TENANTRY_PATH && { path: process.env.TENANTRY_PATH }),
};
