// What the phone's pages and its service worker share: what is kept in IndexedDB, and the API's answers as far as read.

interface Wanted {
  language: string;
  places: string[];
  everywhere: boolean;
  joined: boolean;
}

interface OwnSubscription {
  id: number;
  token: string;
}

/** Which message of an incident a phone has shown; `step` is 1 for its expiry. */
interface Rank {
  incident: string;
  revision: number;
  step: number;
}

interface Shown extends Rank {
  title: string;
  body: string;
  lang: string;
  dir: NotificationDirection;
  silent: boolean;
  url: string;
  expires: string | null;
  sent: string | null;
  stays: boolean;
}

interface Remembered extends Shown {
  at: number;
}

/** keep.js */
interface Keep {
  get(store: "settings", key: "wanted"): Promise<Wanted | undefined>;
  get(store: "settings", key: "mine"): Promise<OwnSubscription | undefined>;
  get(store: "shown", key: string): Promise<Remembered | undefined>;
  put(store: "settings" | "shown", key: string, value: unknown): Promise<unknown>;
  remove(store: "settings" | "shown", key: string): Promise<unknown>;
  entries(store: "shown"): Promise<[string, Remembered][]>;
  forget(): Promise<unknown>;
}

interface ApiText {
  written_in: string;
  notice: string;
  kind: string;
  headline: string;
  description: string;
  instruction: string;
  until: string;
}

interface ApiAlert {
  incident: string;
  level: number;
  occasion: string;
  ending: string | null;
  texts: Record<string, ApiText>;
  chain: unknown[];
  links: { page: string };
}

interface ApiSituation {
  version: number;
  alerts: ApiAlert[];
  ended: ApiAlert[];
}
