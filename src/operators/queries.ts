import { isUuid } from "../ids.js";
import { builder } from "./builder.js";
import { page, pageType } from "./pages.js";
import { Job, JobState, Tenant, TenantStatus } from "./types.js";

const TenantPage = pageType("TenantPage", Tenant as never);
const JobPage = pageType("JobPage", Job as never);

const paging = {
  first: "How many; 20 when left out, 100 at most.",
  after: "Begin after this cursor of the same list.",
};

builder.queryFields((t) => ({
  operator: t.string({
    description: "Who you are, as the settings name you.",
    resolve: (_root, _args, { operator }) => operator.name,
  }),
  tenant: t.field({
    type: Tenant,
    nullable: true,
    description: "The tenant of this slug; null when there is none now.",
    args: { slug: t.arg.string({ required: true, description: "Its slug." }) },
    resolve: (_root, { slug }, { listing }) => listing.find(slug),
  }),
  tenants: t.field({
    type: TenantPage,
    description: "All tenants, by slug.",
    args: {
      search: t.arg.string({ description: "Only those whose slug begins with this." }),
      status: t.arg({ type: [TenantStatus], description: "Only those of these." }),
      first: t.arg.int({ description: paging.first }),
      after: t.arg.string({ description: paging.after }),
    },
    resolve: (_root, { search, status, ...paged }, ctx) =>
      page(
        ctx,
        ["tenants", search, status],
        paged,
        (after, limit) =>
          ctx.listing.list({ search: search ?? undefined, statuses: status ?? undefined, after, limit }),
        ({ slug }) => slug,
      ) as never,
  }),
  job: t.field({
    type: Job,
    nullable: true,
    description: "A job, and how far it is; null when there is none of this id, or its tenant is erased.",
    args: { id: t.arg.id({ required: true, description: "Its id." }) },
    resolve: (_root, { id }, { desk }) => (isUuid(id) ? desk.find(id) : null),
  }),
  jobs: t.field({
    type: JobPage,
    description: "All jobs, newest first.",
    args: {
      slug: t.arg.string({ description: "Only those of what was called this when they were asked for." }),
      state: t.arg({ type: [JobState], description: "Only those in these states." }),
      first: t.arg.int({ description: paging.first }),
      after: t.arg.string({ description: paging.after }),
    },
    resolve: (_root, { slug, state, ...paged }, ctx) =>
      page(
        ctx,
        ["jobs", slug, state],
        paged,
        (before, limit) => ctx.desk.list({ slug: slug ?? undefined, states: state ?? undefined, before, limit }),
        ({ id }) => id,
      ) as never,
  }),
}));
