// The global scope of a service worker, as `self` has it: TypeScript's own type of `self` is that of any worker.

interface WorkerGlobalScope {
  readonly clients: Clients;
  readonly registration: ServiceWorkerRegistration;
  readonly keep: Keep;
  /** Addresses and words; mobile_api/service_worker.py puts them in front of the script. */
  readonly REALIS: {
    version: string;
    pages: string[];
    kept: string[];
    assets: string[];
    icon: string;
    badge: string;
    words: Record<string, { title: string; body: string; lapsed: string }>;
  };
  skipWaiting(): Promise<void>;
  addEventListener<K extends keyof ServiceWorkerGlobalScopeEventMap>(
    type: K,
    listener: (event: ServiceWorkerGlobalScopeEventMap[K]) => void,
  ): void;
}

/** https://www.w3.org/TR/push-api/#the-pushsubscriptionchange-event */
interface SubscriptionChangeEvent extends ExtendableEvent {
  readonly newSubscription: PushSubscription | null;
  readonly oldSubscription: PushSubscription | null;
}

/** What channels/webpush/payload.py puts into a push. */
interface PushPayload {
  notification: { title: string; body: string; lang: string; dir: NotificationDirection; silent?: boolean; navigate?: string };
  realis: {
    incident: string;
    revision: number;
    kind: string;
    level: number;
    ending?: string | null;
    expires?: string | null;
    sent?: string | null;
    url?: string;
  };
}
