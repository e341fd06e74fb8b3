import { readMoves } from "../move/record.js";
import { isOverdue, recoverMoves } from "../move/recover.js";
import type { Check, Problem } from "./problem.js";

/** Moves that were interrupted, and old homes that were kept for as long as they were to be. */
export const movesCheck: Check = {
  name: "moves",
  async look(owners) {
    const moves = await readMoves(await owners.main, null);
    return moves.filter(isOverdue).map(
      ({ slug, step, tenant }): Problem => ({
        what:
          step === "LEFT"
            ? `The old home of ${slug} was to be kept no longer, and is still there.`
            : `A move of ${slug} is under way, or was interrupted.`,
        mend: "`tenantry doctor --fix` brings it to its end, if nobody is at work on it.",
        fix: async () => {
          const [outcome] = (await recoverMoves(owners, tenant)).filter((one) =>
            ["UNDER_WAY", "FAILED"].includes(one.outcome),
          );
          if (outcome) throw outcome.reason ?? new Error("A mover is at work.");
        },
      }),
    );
  },
};
