import { UsageError } from "./explain.js";

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400 };

/**
 * The seconds in `30s`, `15m`, `8h` or `7d`.
 * @param option which is named when it is none of these
 */
export function secondsOf(duration: string, option: string): number {
  const [, digits, unit] = /^([1-9]\d{0,6})([smhd])$/.exec(duration) ?? [];
  if (!digits || !unit) throw new UsageError(`${option} is a whole number and s, m, h or d: 30s, 15m, 8h, 7d.`);
  return Number(digits) * UNITS[unit]!;
}
