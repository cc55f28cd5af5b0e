/** The house's one-way streets: app, http, trpc, jobs, realtime → domain → platform → contracts. `npm run check` fails on a breach. */
const EDGES = "^server/(http|trpc|jobs|realtime)/";
const TESTS = "\\.test\\.ts$|^server/testing/";

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: "contracts-stand-alone",
      comment: "Contracts are shared with the browser: they import nothing but each other, zod and uuid.",
      severity: "error",
      from: { path: "^server/contracts/", pathNot: TESTS },
      to: { pathNot: "^server/contracts/|^node_modules/(zod|uuid)/" },
    },
    {
      name: "platform-knows-no-business",
      comment: "Adapters import contracts and each other, never the domain or an edge.",
      severity: "error",
      from: { path: "^server/platform/", pathNot: TESTS },
      to: { path: `^server/(domain|testing|config)/|^server/(context|main)|^(app|components)/|${EDGES}` },
    },
    {
      name: "domain-knows-no-edge",
      comment: "Rules do not know how they are called.",
      severity: "error",
      from: { path: "^server/domain/", pathNot: TESTS },
      to: { path: `${EDGES}|^server/(context|main|config)|^(app|components|scripts|bench)/` },
    },
    {
      name: "domain-knows-no-transport",
      comment: "The domain throws domain errors and enqueues by outbox; transports are the edges' business.",
      severity: "error",
      from: { path: "^server/domain/", pathNot: TESTS },
      to: { path: "^node_modules/(hono|@hono|@trpc|next|next-auth|bullmq|ws|ioredis)/" },
    },
    {
      name: "edges-apart",
      comment: "Edges do not import one another; only HTTP opens tRPC's doors.",
      severity: "error",
      from: { path: "^server/(http|trpc|jobs|realtime)/", pathNot: TESTS },
      to: { path: EDGES, pathNot: "^server/$1/|^server/trpc/" },
    },
    {
      name: "trpc-only-behind-http",
      severity: "error",
      from: { path: "^server/(jobs|realtime)/", pathNot: TESTS },
      to: { path: "^server/trpc/" },
    },
    {
      name: "browser-takes-contracts-only",
      comment: "Components get contracts, and tRPC's router as a type; server code must not reach a bundle.",
      severity: "error",
      from: { path: "^components/" },
      to: { path: "^server/", pathNot: "^server/(contracts/|trpc/root\\.ts$)" },
    },
    {
      name: "pages-build-no-context",
      comment: "Next bundles its own copies: pages read the one context through context-access.ts.",
      severity: "error",
      from: { path: "^app/", pathNot: TESTS },
      to: { path: "^server/", pathNot: "^server/(contracts/|context-access)" },
    },
    {
      name: "maps-in-one-place",
      severity: "error",
      from: { pathNot: "^components/map/" },
      to: { path: "^node_modules/(mapbox-gl|maplibre-gl)/" },
    },
    {
      name: "charts-in-one-place",
      severity: "error",
      from: { pathNot: "^components/charts/" },
      to: { path: "^node_modules/recharts/" },
    },
    {
      name: "naive-code-stays-in-bench",
      severity: "error",
      from: { path: "^(server|app|components|prisma)/" },
      to: { path: "^bench/" },
    },
    {
      name: "no-test-code-in-the-product",
      severity: "error",
      from: { pathNot: `${TESTS}|^e2e/` },
      to: { path: "^server/testing/" },
    },
    { name: "no-circles", severity: "error", from: {}, to: { circular: true, dependencyTypesNot: ["type-only"] } },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(\\.next|prisma/generated)/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "node", "default", "types"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".json", ".css"],
    },
  },
};
