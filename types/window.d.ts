// What pages have beyond the browser's own types.

interface Window {
  keep: Keep;
}

interface Navigator {
  /** iOS: started from the home screen. */
  standalone?: boolean;
}
