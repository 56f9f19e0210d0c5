/**
 * The latest activities: reads them from MongoDB, and tells which of them nobody was told of yet.
 *
 * A note says only that something changed, so a missed one costs nothing: the next look finds what
 * it was about.
 */

const LATEST = 20;
const REMEMBERED = 10 * LATEST;

/** What browsers get of an activity document. */
function present({ _id, entry, name, person, excerpt, at, delivered_ms: deliveredMs }) {
  return { id: _id, entry, name, person, excerpt, at, deliveredMs };
}

export class Feed {
  #collection;
  #told = new Set();
  #looking = null;
  #lookAgain = false;

  constructor(collection) {
    this.#collection = collection;
  }

  /** The newest activities, newest first, and how many there are in all. */
  async latest() {
    const [documents, total] = await Promise.all([
      this.#collection.find().sort({ at: -1 }).limit(LATEST).toArray(),
      this.#collection.countDocuments(),
    ]);
    return { activities: documents.map(present), total };
  }

  /**
   * Look for activities that were not there at the last look, and give them to `tell`.
   *
   * Calls that come while a look is under way share the one after it, so no two looks find the same
   * activity and a burst of notes costs two looks.
   */
  async refresh(tell) {
    if (this.#looking) {
      this.#lookAgain = true;
      return this.#looking;
    }
    this.#looking = this.#lookUntilQuiet(tell).finally(() => {
      this.#looking = null;
    });
    return this.#looking;
  }

  async #lookUntilQuiet(tell) {
    do {
      this.#lookAgain = false;
      const { activities, total } = await this.latest();
      const fresh = activities.filter(({ id }) => !this.#told.has(id));
      fresh.forEach(({ id }) => this.#told.add(id));
      this.#forgetOldest();
      if (fresh.length > 0) tell({ activities: fresh, total });
    } while (this.#lookAgain);
  }

  #forgetOldest() {
    for (const id of this.#told) {
      if (this.#told.size <= REMEMBERED) break;
      this.#told.delete(id);
    }
  }
}
