// PostGraphile V5 on the copy that tenants share: a wall by row security, permissions by a view that is a security barrier.
// Node.js 22 or newer.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { listen, readTenants } from "./serving.mjs";

const tenants = await readTenants();
const instance = postgraphile({
  extends: [PostGraphileAmberPreset],
  pgServices: [
    makePgService({
      connectionString: process.env.POSTGRAPHILE_URL,
      superuserConnectionString: process.env.PEERS_URL,
      schemas: ["shared"],
      poolConfig: { max: 10 },
    }),
  ],
  schema: { defaultBehavior: "connection list" },
  grafast: {
    explain: false,
    context({ node }) {
      const { headers } = node.req;
      return {
        pgSettings: {
          role: "peers_viewer",
          "app.tenant_id": tenants.get(headers["x-tenant"]).id,
          "app.user_id": headers["x-user"],
        },
      };
    },
  },
  grafserv: { graphiql: false, watch: false, graphqlPath: "/graphql" },
});
const server = createServer();
await instance.createServ(grafserv).addTo(server);
listen(server);
