// The operations, as each server calls what they ask for. Q1: a switcher; Q2: a page of members; Q3: deep, across organizations;
// M1: a role is assigned.
export const OPERATIONS = ["Q1", "Q2", "Q3", "M1"];

export const TENANTRY = {
  Q1: `query Q1 { viewer { user { id displayName } memberships(first: 20) { nodes {
    id organization { id name slug memberCount } roles { name permissions } } } } }`,
  Q2: `query Q2($slug: String!) { organization(by: { slug: $slug }) { id name memberships(first: 50) { nodes {
    id user { id displayName email } roles { name } } } } }`,
  Q3: `query Q3 { viewer { user { id } memberships(first: 10) { nodes { id organization { id name memberships(first: 10) { nodes {
    id user { id displayName memberships(first: 5) { nodes { id organization { name } } } } } } } } } } }`,
  M1: `mutation M1($membershipId: ID!, $roleId: ID!) {
    grantRole(input: { membershipId: $membershipId, role: { id: $roleId } }) { ... on GrantRolePayload { membership { id } } } }`,
};

export const PLAIN = {
  Q1: `query Q1 { viewer { id name memberships(first: 20) { id organization { id name slug memberCount } roles { name permissions } } } }`,
  Q2: `query Q2($slug: String!) { organization(slug: $slug) { id name members(first: 50) { id user { id name email } roles { name } } } }`,
  Q3: `query Q3 { viewer { id memberships(first: 10) { id organization { id name members(first: 10) {
    id user { id name memberships(first: 5) { id organization { name } } } } } } } }`,
  M1: `mutation M1($membershipId: ID!, $roleId: ID!) { assignRole(membershipId: $membershipId, roleId: $roleId) { id } }`,
};

export const POSTGRAPHILE = {
  Q1: `query Q1 { viewer { rowId name memberships: membershipsByUserIdList(first: 20, orderBy: PRIMARY_KEY_ASC) {
    rowId organization: organizationByOrganizationId { rowId name slug memberCount: membershipsByOrganizationId { totalCount } }
    roles: membershipRolesByMembershipIdList(orderBy: NATURAL) { role: roleByRoleId { name permissions } } } } }`,
  Q2: `query Q2($slug: String!) { organization(slug: $slug) { rowId name members: membersList(first: 50, orderBy: PRIMARY_KEY_ASC) {
    rowId user { rowId name email } roles: assignedRolesList { role: roleByRoleId { name } } } } }`,
  Q3: `query Q3 { viewer { rowId memberships: membershipsByUserIdList(first: 10, orderBy: PRIMARY_KEY_ASC) {
    rowId organization: organizationByOrganizationId { rowId name members: membersList(first: 10, orderBy: PRIMARY_KEY_ASC) {
      rowId user { rowId name memberships: membershipsByUserIdList(first: 5, orderBy: PRIMARY_KEY_ASC) {
        rowId organization: organizationByOrganizationId { name } } } } } } } }`,
  M1: `mutation M1($membershipId: UUID!, $roleId: UUID!) { assignRole(input: { membershipId: $membershipId, roleId: $roleId }) {
    result { rowId } } }`,
};

/** An answer without what the servers say in different ways: names of fields, global ids, connections, the order of roles. */
export function facts(value) {
  if (Array.isArray(value)) return value.map(facts);
  if (typeof value === "string") return uuidOf(value);
  if (value === null || typeof value !== "object") return value;
  if ("totalCount" in value) return value.totalCount;
  if ("nodes" in value) return facts(value.nodes);
  for (const wrapping of ["role", "result", "membership"])
    if (wrapping in value && Object.keys(value).length === 1) return facts(value[wrapping]);
  const { user, ...rest } = value;
  // The viewer, whose person stands apart from what may be asked about them.
  const flat = user && "memberships" in rest ? { ...user, ...rest } : value;
  return Object.fromEntries(
    Object.entries(flat)
      .map(([name, of]) => [NAMES[name] ?? name, name === "roles" ? sortedRoles(of) : facts(of)])
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

const NAMES = { rowId: "id", displayName: "name", members: "memberships", grantRole: "assignRole" };
const sortedRoles = (roles) =>
  facts(roles)
    .map(({ name, permissions }) => ({ name, ...(permissions && { permissions: [...permissions].sort() }) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

/** The uuid in a global id of the gateway. */
function uuidOf(text) {
  const [, uuid] = /^[A-Z]\w+:([0-9a-f-]{36})$/.exec(Buffer.from(text, "base64url").toString("latin1")) ?? [];
  return uuid ?? text;
}
