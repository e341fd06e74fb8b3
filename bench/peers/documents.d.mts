export declare const OPERATIONS: readonly ["Q1", "Q2", "Q3", "M1"];
export declare const TENANTRY: Readonly<Record<(typeof OPERATIONS)[number], string>>;
