"use client";

import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import {
  createTRPCClient,
  httpBatchStreamLink,
  httpLink,
  httpSubscriptionLink,
  isTRPCClientError,
  splitLink,
} from "@trpc/client";
import { type ReactNode, useState } from "react";
import superjson from "superjson";
import { MAX_BATCH_CALLS } from "#server/contracts/limits.ts";
import type { AppRouter } from "#server/trpc/root.ts";
import { JitteredEventSource } from "./jittered-event-source.ts";
import { keyHeaders, retryKeys } from "./retry-keys.ts";
import { TRPCProvider } from "./trpc.ts";

function statusOf(error: unknown): number | null {
  if (!isTRPCClientError<AppRouter>(error)) return null;
  return error.data?.httpStatus ?? null;
}

/** The session ended (8 h, or signed out elsewhere): sign in again and come back to the same view. */
function leaveWhenSignedOut(error: unknown) {
  if (statusOf(error) !== 401) return;
  const here = window.location.pathname + window.location.search;
  window.location.assign(`/sign-in?ended=1&callbackUrl=${encodeURIComponent(here)}`);
}

function createQueryClient() {
  return new QueryClient({
    queryCache: new QueryCache({ onError: leaveWhenSignedOut }),
    mutationCache: new MutationCache({ onError: leaveWhenSignedOut }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        // What the server refused stays refused; only a fault of transport or server is worth another try.
        retry: (failures, error) => {
          const status = statusOf(error);
          return failures < 2 && (status === null || status >= 500);
        },
      },
    },
  });
}

function createClient() {
  return createTRPCClient<AppRouter>({
    links: [
      retryKeys,
      splitLink({
        condition: (operation) => operation.type === "mutation",
        // Each alone: a key is of one change, and its header of the whole request.
        true: httpLink({ url: "/api/trpc", transformer: superjson, headers: ({ op }) => keyHeaders(op) }),
        false: splitLink({
          condition: (operation) => operation.type === "subscription",
          true: httpSubscriptionLink({
            url: "/api/trpc",
            transformer: superjson,
            EventSource: JitteredEventSource,
          }),
          false: splitLink({
            // A whole file to look at: too long for an address.
            condition: (operation) => operation.path === "zones.importPreview",
            true: httpLink({ url: "/api/trpc", transformer: superjson, methodOverride: "POST" }),
            false: httpBatchStreamLink({ url: "/api/trpc", transformer: superjson, maxItems: MAX_BATCH_CALLS }),
          }),
        }),
      }),
    ],
  });
}

export function DataProvider({ children }: { children: ReactNode }) {
  const [queryClient] = useState(createQueryClient);
  const [client] = useState(createClient);
  return (
    <QueryClientProvider client={queryClient}>
      <TRPCProvider trpcClient={client} queryClient={queryClient}>
        {children}
      </TRPCProvider>
    </QueryClientProvider>
  );
}
