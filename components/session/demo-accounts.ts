/** The people of the demo seed. Only drawn when the server runs as a demo. */
export const DEMO_ACCOUNTS = [
  { who: "Dispatcher", email: "dispatch@smartline.demo", password: "dispatch-demo" },
] as const;
