import { clearProgress } from "./progress.js";

/** What a command ends with: 0 done, 1 failed, 2 wrong settings or usage, 3 refused because it is busy or unsafe, 4 partly done. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3, partly: 4 } as const;

/** What was asked for cannot be meant; the message says what would be right. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** The command must not go on: what it was asked for is unsafe, or somebody else is at it. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

/** A part that ran in a process of its own failed, and has said why. */
export class ChildFailedError extends Error {
  override readonly name = "ChildFailedError";
  constructor(readonly exitCode: number) {
    super("A part of this command failed.");
  }
}

const CODES: Record<string, number> = {
  SettingsError: EXIT.usage,
  UsageError: EXIT.usage,
  UnknownPersonError: EXIT.usage,
  UnknownTenantError: EXIT.usage,
  RefusedError: EXIT.refused,
  FolderBusyError: EXIT.refused,
  NotMigratedError: EXIT.refused,
  OtherKeyError: EXIT.refused,
  MoveRefusedError: EXIT.refused,
  MovedPartlyError: EXIT.partly,
  HomeTakenError: EXIT.refused,
  NoSuchTenantError: EXIT.usage,
  SlugTakenError: EXIT.usage,
  TenantBusyError: EXIT.refused,
  TenantRefusedError: EXIT.refused,
  ArchiveRefusedError: EXIT.refused,
  JobForgedError: EXIT.refused,
};

/** Whether what an error says was written for whoever asked, and holds nobody's data. */
export const isForPeople = (error: unknown): error is Error => error instanceof Error && error.name in CODES;

/** Says on stderr what went wrong, in words and without a stack; the environment's DEBUG=1 adds the stack. */
export function explain(error: unknown): number {
  clearProgress();
  if (error instanceof ChildFailedError) return error.exitCode;
  const { name, message, stack } = error instanceof Error ? error : { name: "", message: String(error), stack: "" };
  const causes: string[] = [];
  for (let at = error instanceof Error ? error.cause : null; at instanceof Error; at = at.cause)
    causes.push(at.message);
  process.stderr.write(`tenantry: ${[message, ...causes].join("\n  because: ")}\n`);
  if (process.env.DEBUG) process.stderr.write(`${stack}\n`);
  return CODES[name] ?? EXIT.failed;
}
