// What a screen reads: signed frames (displays/frames.py), its settings (displays/pages.py), the gateway's messages.

interface Jwk {
  kty: string;
  crv: string;
  x: string;
  y: string;
  kid?: string;
}

interface PinnedKey {
  kid: string;
  key: CryptoKey;
}

/** A frame of kind "alert"; those of kind "clear" and "current" carry the head only, and are never painted. */
interface Frame {
  v: number;
  as_of: string;
  screen: string;
  kind: "alert" | "clear" | "current";
  incident: string | null;
  revision: number;
  ending: "all_clear" | "retracted" | "expired" | "ended" | null;
  lang: string;
  written_in: string;
  level: 1 | 2 | 3;
  occasion: "ernstfall" | "probewarnung" | "uebung";
  notice: string;
  kind_word: string;
  headline: string;
  instruction: string;
  description: string;
  to_do: string;
  until: string;
  issued: string;
  source: string;
  labels: string[];
  sent: string;
  expires: string;
  link: string;
  others: number;
  hide_at: string;
  linger_s: number;
  expiry: { kind_word: string; text: string };
}

/** Where a state stands in time, and what it shows. */
interface StateMark {
  version: number;
  asOf: number;
  incident: string | null;
  revision: number;
  ending: string | null;
}

/** A verified state; `faces` has one frame per language, `signed` is what it came as. */
interface ScreenState {
  kind: Frame["kind"];
  mark: StateMark;
  faces: Frame[];
  signed: string[];
}

type Scene = "idle" | "alert" | "ending" | "expired";
type Words = Record<string, string>;

interface IdleContent {
  city: string;
  time_zone: string;
  lessons: { lang: string; title: string; text: string }[];
}

interface ScreenConfiguration {
  version: string;
  gateway_url: string;
  jwk: Jwk;
  idle: IdleContent;
  names: Words;
  words: Record<string, Words>;
}

interface Welcome {
  screen: string;
  idle: IdleContent;
}

interface LinkHandlers {
  hello(): object;
  message(data: any): void;
  up(welcome: Welcome): void;
  down(code: number, reason: string): void;
  time(serverMs: number, sentAt: number): void;
}
