/** The people of the demo's seed (`prisma/seed/seed.ts`), one for each role. Only drawn when the server runs as a demo. */
const PASSWORD = "smartline-demo";

export const DEMO_ACCOUNTS = [
  { who: "Dispatcher", email: "dispatcher@smartline.test", password: PASSWORD },
  { who: "Viewer", email: "viewer@smartline.test", password: PASSWORD },
  { who: "Support", email: "support@smartline.test", password: PASSWORD },
  { who: "Admin", email: "admin@smartline.test", password: PASSWORD },
] as const;
