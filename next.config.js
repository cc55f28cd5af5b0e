/** @type {import("next").NextConfig} */
const config = {
  poweredByHeader: false,
  reactStrictMode: true,
  // `npm run check` runs tsc over the whole tree; a build that ran it again would only be slower.
  typescript: { ignoreBuildErrors: true },
  devIndicators: false,
};

export default config;
