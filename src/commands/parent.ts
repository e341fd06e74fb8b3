/** Holds the process id of the `tenantry start` that started this process; no setting, and of no use to its own children. */
const STARTED_BY = "STARTED_BY_TENANTRY";

/** The environment of a process that `tenantry start` starts. */
export const childEnvironment = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  ...env,
  [STARTED_BY]: String(process.pid),
});

/** Whether `tenantry start` started this process, and talks with it. Supervisors have such a channel to what they start, too. */
export const isChild = process.send !== undefined && process.env[STARTED_BY] === String(process.ppid);

/** Tells `tenantry start`, where that started this process; `onGone` is called when it is there no more. */
export function tellParent(message: object, onGone: () => void = () => {}): void {
  if (isChild) process.send!(message, (gone: Error | null) => void (gone && onGone()));
}
