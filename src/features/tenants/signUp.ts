import { builder } from "../../graphql/builder.js";
import type { Job } from "../../tenancy/jobs/job.js";

const SignUpStatus = builder.enumType("SignUpStatus", {
  description: "How far a tenant is that somebody asked for.",
  values: {
    PENDING: { description: "It is being made, which takes a moment." },
    READY: { description: "It is there, and whoever asked for it owns it." },
    FAILED: { description: "It could not be made. Ask again, with another slug." },
  } as const,
});

const STATUSES = { QUEUED: "PENDING", RUNNING: "PENDING", DONE: "READY", FAILED: "FAILED" } as const;

/** A job, as far as it is the affair of whoever signed up. */
export const SignUp = builder.objectRef<Job>("SignUp").implement({
  description: "A tenant that the person asked for.",
  fields: (t) => ({
    id: t.exposeID("id", { description: "Tells it from the others. Not to be given to `node`." }),
    slug: t.exposeString("slug", { description: "What was asked for: what to send as X-Tenant once it is ready." }),
    status: t.field({
      type: SignUpStatus,
      description: "How far it is.",
      resolve: ({ state }) => STATUSES[state],
    }),
    createdAt: t.expose("askedAt", { type: "DateTime", description: "When it was asked for." }),
  }),
});
