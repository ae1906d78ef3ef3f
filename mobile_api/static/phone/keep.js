/*
 * What this phone keeps, in IndexedDB: settings (its subscription) and shown (which revision of which incident it
 * showed last). A classic script, because the service worker has it too. It asks no network and knows no page.
 */
(() => {
  const NAME = "realis";
  const STORES = ["settings", "shown"];

  /**
   * @template T
   * @param {IDBRequest<T>} request
   * @returns {Promise<T>}
   */
  function settled(request) {
    return new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  }

  function open() {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => STORES.forEach((store) => request.result.createObjectStore(store));
    return settled(request);
  }

  /**
   * @template T
   * @param {string} store
   * @param {IDBTransactionMode} mode
   * @param {(box: IDBObjectStore) => Promise<T> | T} work
   * @returns {Promise<T>}
   */
  async function within(store, mode, work) {
    const database = await open();
    try {
      const transaction = database.transaction(store, mode);
      const done = new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = () => reject(transaction.error);
      });
      const result = await work(transaction.objectStore(store));
      await done;
      return result;
    } finally {
      database.close();
    }
  }

  self.keep = {
    get: (store, key) => within(store, "readonly", (box) => settled(box.get(key))),
    put: (store, key, value) => within(store, "readwrite", (box) => settled(box.put(value, key))),
    remove: (store, key) => within(store, "readwrite", (box) => settled(box.delete(key))),
    entries: (store) =>
      within(store, "readonly", async (box) => {
        const keys = settled(box.getAllKeys());
        const values = settled(box.getAll());
        const found = await Promise.all([keys, values]);
        return found[0].map((key, index) => /** @type {[string, Remembered]} */ ([key, found[1][index]]));
      }),
    forget: () => settled(indexedDB.deleteDatabase(NAME)),
  };
})();
