import { encodeId } from "../../graphql/nodeId.js";
import { demoMembershipId, demoOrganizationId, demoUserId } from "../demo/rows.js";

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
      canCreateBelow: viewerCan(
        permission: "organizations:create"
        reach: SUBTREE
      )
    }
    pageInfo {
      hasNextPage
    }
  }
}
`,
  },
  {
    query: `# What begins with the letters typed so far, of all that
# the viewer can see: Cleo finds less than Ada.
query Search($organization: String!, $person: String!) {
  organizations(filter: { search: $organization }, first: 5) {
    nodes {
      name
    }
  }
  users(filter: { search: $person }, first: 5) {
    nodes {
      displayName
      email
    }
  }
}
`,
    variables: json({ organization: "s", person: "al" }),
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

const DEMO = "northwind";
const organization = (slug: string) => demoOrganizationId(DEMO, slug);

/** They name things of the demo's first tenant. To viewers who cannot see those they are not there. */
export const DEMO_EXAMPLES: readonly Example[] = [
  {
    query: `# May Dan see who works in these two stores, and why?
# To Ben, the second is null, as if it were not there.
query WhyMayDan($dan: ID!, $stores: [ID!]!) {
  nodes(ids: $stores) {
    ... on Organization {
      name
      explainAccess(
        subject: { userId: $dan }
        permission: "members:read"
      ) {
        allowed
        paths {
          reason
          organization {
            name
          }
          role {
            name
          }
          expiresAt
        }
      }
    }
  }
}
`,
    variables: json({
      dan: encodeId("User", demoUserId(DEMO, "dan@contractor.test")),
      stores: ["north-1", "west-1"].map((slug) => encodeId("Organization", organization(slug))),
    }),
  },
  {
    query: `# Cleo becomes manager of her store: it counts from her
# next request on. Ada may give that. Ben may not: he
# cannot see invoices himself.
mutation GrantRole($input: GrantRoleInput!) {
  grantRole(input: $input) {
    ... on GrantRolePayload {
      membership {
        user {
          displayName
        }
        organization {
          name
        }
        roles {
          name
          permissions
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
        membershipId: encodeId("Membership", demoMembershipId(DEMO, "cleo@northwind.test", "north-1")),
        role: { key: "store-manager" },
      },
    }),
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
        parentId: encodeId("Organization", organization("north")),
        name: "North Store 5",
        slug: "north-5",
      },
    }),
  },
];
