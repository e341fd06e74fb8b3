export function tenantTables(): Set<string>;
export function judgeLog(log: string): Promise<{ judged: number; broken: string[] }>;
