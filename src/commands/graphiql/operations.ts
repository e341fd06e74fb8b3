import { encodeId } from "../../graphql/nodeId.js";
import { demoOrganizationId } from "../demo/rows.js";

/** An operation that GraphiQL opens with, in a tab that is called like it. */
export interface Example {
  readonly query: string;
  /** JSON, as a person would write it into the editor. */
  readonly variables?: string;
}

const json = (value: unknown): string => JSON.stringify(value, null, 2);

/** They read, and have an answer for everybody in any tenant. */
export const EXAMPLES: readonly Example[] = [
  {
    query: `# What an organization switcher shows.
# Choose another viewer above, and run it again.
query Switcher($first: Int!) {
  viewer {
    user {
      displayName
    }
    memberships(first: $first) {
      nodes {
        organization {
          name
          memberCount
        }
        roles {
          name
        }
      }
    }
    organizations(first: $first) {
      nodes {
        name
        slug
      }
    }
  }
}
`,
    variables: json({ first: 5 }),
  },
  {
    query: `# Who belongs to an organization: here the first
# in which the viewer may read members.
query MembersPage {
  viewer {
    organizations(first: 1, permission: "members:read") {
      nodes {
        name
        memberCount
        memberships(first: 10) {
          nodes {
            user {
              displayName
              email
            }
            roles {
              name
            }
            status
            expiresAt
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
}
`,
  },
  {
    query: `# Every organization that the viewer can see,
# and what they may do there.
query Organizations {
  organizations(first: 20) {
    nodes {
      name
      slug
      parent {
        name
      }
      canInvite: viewerCan(permission: "members:invite")
      canCreateBelow: viewerCan(permission: "organizations:create")
    }
    pageInfo {
      hasNextPage
    }
  }
}
`,
  },
  {
    query: `# Who the token is, and the tenants to choose from.
# Dan is in two.
query Identity {
  identity {
    email
    emailVerified
    tenants {
      name
      slug
    }
  }
  viewer {
    tenant {
      name
      slug
    }
  }
}
`,
  },
];

/** They name things of the demo tenant northwind. To viewers who cannot see those they are not there. */
export const DEMO_EXAMPLES: readonly Example[] = [
  {
    query: `# One store by its id: null for whoever cannot see it,
# as if it did not exist.
query ById($id: ID!) {
  node(id: $id) {
    id
    ... on Organization {
      name
      ancestors {
        name
      }
      viewerPermissions
    }
  }
}
`,
    variables: json({ id: encodeId("Organization", demoOrganizationId("northwind", "north-1")) }),
  },
  {
    query: `# A new store in the region North: Ada and Ben may.
# Run it a second time, and its slug is in use.
mutation CreateOrganization($input: CreateOrganizationInput!) {
  createOrganization(input: $input) {
    ... on CreateOrganizationPayload {
      organization {
        id
        name
        slug
        ancestors {
          name
        }
      }
    }
    ... on Failure {
      code
      message
      field
    }
  }
}
`,
    variables: json({
      input: {
        parentId: encodeId("Organization", demoOrganizationId("northwind", "north")),
        name: "North Store 5",
        slug: "north-5",
      },
    }),
  },
];
