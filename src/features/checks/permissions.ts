import type { Permission as PermissionShape } from "../../access/catalogue.js";
import { builder } from "../../graphql/builder.js";

const Permission = builder.objectRef<PermissionShape>("Permission").implement({
  description: "Something that a role can allow.",
  fields: (t) => ({
    key: t.exposeString("key", { description: "What programs call it: `members:invite`." }),
    description: t.exposeString("description", { description: "What it opens." }),
    builtIn: t.exposeBoolean("builtIn", {
      description: "Whether it is part of Tenantry; the product's own otherwise.",
    }),
  }),
});

builder.queryField("permissions", (t) =>
  t.field({
    type: [Permission],
    description: "The product's catalogue: what is built in, then the product's own. Empty for who is not signed in.",
    resolve: (_root, _args, ctx) => (ctx.operation.scope ? [...ctx.catalogue.permissions.values()] : []),
  }),
);
