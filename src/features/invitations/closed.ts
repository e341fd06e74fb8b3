import { Failure } from "../../graphql/failure.js";
import { failureType } from "../../graphql/mutation.js";
import type { InvitationRow } from "./table.js";

export class InvitationClosedFailure extends Failure {
  override readonly name = "InvitationClosedFailure";
  readonly code = "INVITATION_CLOSED";
}
failureType(
  InvitationClosedFailure,
  "The invitation was used already, declined, or withdrawn, or it came to its end. Somebody who may can invite anew.",
);

const WHY: Readonly<Record<InvitationRow["status"], string>> = {
  OPEN: "This invitation has expired. Ask for a new one.",
  ACCEPTED: "This invitation was used already.",
  DECLINED: "This invitation was declined. Ask for a new one.",
  WITHDRAWN: "This invitation was withdrawn. Ask for a new one, or use the one that was sent last.",
};

/** Says what became of an invitation; of an open one, that it came to its end. */
export const closed = (status: InvitationRow["status"], field: readonly string[]) =>
  new InvitationClosedFailure(WHY[status], field);
