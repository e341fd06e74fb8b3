import type { Reach as ReachValue } from "../../access/access.js";
import { builder } from "../../graphql/builder.js";
import { type Context, scopeOf } from "../../graphql/context.js";
import { oncePerSession } from "../../graphql/loader.js";
import { known } from "../../graphql/permission.js";
import { findOrganization } from "../organizations/loader.js";
import { Reach } from "../organizations/reach.js";
import type { OrganizationRow } from "../organizations/table.js";
import { Organization } from "../organizations/type.js";
import type { Role as RoleShape } from "../roles/role.js";
import { Role } from "../roles/type.js";
import { type Explanation, explain, type Path, type Question, shownRole } from "./paths.js";
import { findRemedy, type Remedy as RemedyShape } from "./remedy.js";
import { findSubject, type Subject, SubjectBy } from "./subject.js";

const AccessPath = builder.objectRef<Path>("AccessPath").implement({
  description: "One way in which somebody could have been allowed something.",
  fields: (t) => ({
    allowed: t.exposeBoolean("allowed", { description: "Whether it leads there." }),
    reason: t.exposeString("reason", { description: "Why it does, or where it ends." }),
    organization: t.field({
      type: Organization,
      nullable: true,
      description: "Where the membership or grant is. Null when that is hidden from the viewer.",
      resolve: ({ at }, _args, ctx) => (at ? findOrganization(scopeOf(ctx), at.id) : null),
    }),
    role: t.field({
      type: Role,
      nullable: true,
      description: "What was given. Null for a membership without roles, and when hidden from the viewer.",
      resolve: (path, _args, ctx) => shownRole(scopeOf(ctx), path) as RoleShape | null,
    }),
    reach: t.field({
      type: Reach,
      nullable: true,
      description: "How far the grant reaches; null where there is none.",
      resolve: ({ reach }) => reach as ReachValue | null,
    }),
    expiresAt: t.expose("expiresAt", {
      type: "DateTime",
      nullable: true,
      description: "When it ends or ended: the earlier of grant and membership. Null when it does not.",
    }),
  }),
});

const Remedy = builder.objectRef<RemedyShape>("Remedy").implement({
  description:
    "A grant that would turn a no into a yes: on the membership of the person in that organization, or on a new one.",
  fields: (t) => ({
    organization: t.field({
      type: Organization,
      description: "Where to grant it.",
      resolve: ({ at }, _args, ctx) => findOrganization(scopeOf(ctx), at.id) as Promise<OrganizationRow>,
    }),
    role: t.field({ type: Role, description: "What to grant.", resolve: ({ role }) => role }),
    reach: t.expose("reach", { type: Reach, description: "How far it must reach." }),
  }),
});

interface Explained extends Explanation {
  readonly subject: Subject;
  readonly question: Question;
}

const AccessExplanation = builder.objectRef<Explained>("AccessExplanation").implement({
  description: "Whether somebody is allowed something, and why.",
  fields: (t) => ({
    allowed: t.exposeBoolean("allowed", { description: "Whether they are." }),
    paths: t.field({
      type: [AccessPath],
      description:
        "What was tried, from this organization up: each grant, and each membership without one. Empty when there is none here or above that the viewer may know of.",
      resolve: ({ paths }) => [...paths],
    }),
    remedy: t.field({
      type: Remedy,
      nullable: true,
      description:
        "The smallest grant that would turn a no: of the role with the fewest permissions, then with the shorter reach, then the nearest. Null for a yes, and when no single grant would that the viewer may know of: as for who is suspended.",
      resolve: ({ subject, question }, _args, ctx) => findRemedy(ctx, subject, question),
    }),
  }),
});

/** By subject and question. */
const explained = oncePerSession<string, Explained>();

async function explanation(
  ctx: Context,
  organization: OrganizationRow,
  by: typeof SubjectBy.$inferInput,
  { permission, reach }: Pick<Question, "permission" | "reach">,
): Promise<Explained | null> {
  const scope = scopeOf(ctx);
  const subject = await findSubject(ctx, by);
  if (!subject) return null;
  return explained(scope, `${subject.id} ${organization.id} ${permission} ${reach}`, () => {
    // Thousands wait together for the same person, and go on before any of what they answer is counted.
    scope.size.addSearch();
    const question: Question = { place: organization, permission, reach };
    return { ...explain(scope, subject, question), subject, question };
  });
}

builder.objectField(Organization, "explainAccess", (t) =>
  t.field({
    type: AccessExplanation,
    nullable: true,
    description:
      "Whether somebody is allowed something here, and why. What needs reach SUBTREE is asked about with that reach. For who manages members here, and for everybody about themselves. Null when the subject is missing, or hidden from the viewer.",
    args: {
      subject: t.arg({ type: SubjectBy, required: true, description: "Whom to ask about." }),
      permission: t.arg.string({ required: true, description: "A key of the catalogue: `members:invite`." }),
      reach: t.arg({ type: Reach, defaultValue: "ORGANIZATION", description: "Here alone, or here and below." }),
    },
    resolve: (organization, { subject, permission, reach }, ctx) =>
      explanation(ctx, organization, subject, {
        permission: known(ctx, permission),
        reach: reach ?? "ORGANIZATION",
      }),
  }),
);
