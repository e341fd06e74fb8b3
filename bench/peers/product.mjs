// What the product adds of its own: permissions of which tenants make their roles.
export const PRODUCT = {
  permissions: [
    ..."docs:read docs:write docs:publish teams:read teams:write api:read api:write hooks:read hooks:write".split(" "),
    ..."reports:read reports:export invoices:read invoices:approve invoices:write plans:read plans:write seats:read seats:write".split(
      " ",
    ),
  ].map((key) => ({ key, description: `What the product calls ${key}.` })),
  roles: [],
};
