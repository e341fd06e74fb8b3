import type { Access, Place, Reach } from "./access.js";

/** Whether the viewer holds each of the permissions wherever a grant of them at `place`, with this reach, would act. */
export const covers = (access: Access, place: Place, permissions: Iterable<string>, reach: Reach): boolean =>
  [...permissions].every((permission) => access.allows(place, permission, reach));
