import { builder } from "../../graphql/builder.js";

export const Reach = builder.enumType("Reach", {
  description: "How far a grant reaches, or a question.",
  values: {
    ORGANIZATION: { description: "This organization." },
    SUBTREE: { description: "This organization and all below it." },
  } as const,
});
