import type { NextRequest } from "next/server";
import nextAuth from "next-auth";
import { authOptions } from "../../../auth-options.ts";
import { callbackRefusal } from "../../../callback-url.ts";

interface RouteContext {
  params: Promise<{ nextauth: string[] }>;
}

const handler = (request: NextRequest, context: RouteContext) =>
  callbackRefusal(request) ?? nextAuth(request, context, authOptions(request.headers));

export { handler as GET, handler as POST };
