"""The models that are served: kept in step with the store, and swapped whole while requests go on.

A request takes one reference to a Model and keeps it to its end, so a swap is one assignment and needs no lock:
requests under way finish on the old version, which goes away with the last of them.
"""

import logging
import threading
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from service.errors import BrokenVersion, ModelNotFound, ModelUnavailable, VersionNotFound
from service.runtime import Model, verify
from service.store import Listing, Signature, Store
from service.unloaded import Unloaded

log = logging.getLogger(__name__)
# How often each worker looks at the store, in seconds.
POLL_SECONDS = 0.5
# Versions beside the served ones that stay loaded, for ?version=.
OTHERS_KEPT = 4
Key = tuple[str, int, Signature]


class Models:
    """What one worker serves. `refresh` follows the store once, `watch` for as long as the process lives.

    listings: what stands in the store; served: the model that answers for each name; both are replaced whole and
    never altered. broken: the reason for each version that was found to be so, until its files change. off: the names
    that were unloaded by hand, and are not served until they are loaded again.
    """

    def __init__(self, store: Store, unloaded: Unloaded | None = None) -> None:
        self.store = store
        self.unloaded = unloaded or Unloaded()
        self.off: frozenset[str] = frozenset()
        self.listings: Mapping[str, Listing] = {}
        self.served: Mapping[str, Model] = {}
        self.broken: dict[Key, str] = {}
        self._loaded: dict[Key, Model] = {}
        self._verified: set[Key] = set()
        self._lock = threading.Lock()

    def get(self, name: str, number: int | None = None) -> Model:
        """The model to answer with: the served version, or version `number`, loaded if need be.

        Raises ModelNotFound, VersionNotFound, or ModelUnavailable for what is there but broken or unloaded.
        """
        model = self.served.get(name)
        if model is not None and number in (None, model.version.number):
            return model
        listing = self.listing(name)
        if name in self.off:
            raise ModelUnavailable(unloaded(name))
        if number is None:
            raise ModelUnavailable(f"no version of model {name!r} can be served: {self.reasons(listing)}")
        return self._other(listing, number)

    def listing(self, name: str) -> Listing:
        """What stands in the store under `name`. Raises ModelNotFound, with the names that exist."""
        if name not in self.listings:
            raise ModelNotFound(absent(name, self.listings))
        return self.listings[name]

    def reasons(self, listing: Listing) -> dict[int, str]:
        """Why versions of this model are not served, by number."""
        keys = ((number, (listing.name, number, files)) for number, files in listing.versions.items())
        return {number: self.broken[key] for number, key in keys if key in self.broken}

    def load(self, name: str) -> Model:
        """Serve a model that was unloaded, in every worker within POLL_SECONDS, here at once. Raises as `get` does."""
        if name in self.unloaded.names():
            self.unloaded.discard(name)
        self.refresh()
        return self.get(name)

    def unload(self, name: str) -> None:
        """Serve a model no longer, until it is loaded or the service starts again. Raises ModelNotFound."""
        self.unloaded.add(self.listing(name).name)
        self.refresh()

    def refresh(self) -> None:
        """Follow the store: load what is wanted now, then put it in place of what was."""
        with self._lock:  # before the look: else an older one might have the last word
            listings, off = self.store.scan(), self.unloaded.names()
            chosen = {name: self._choose(listing) for name, listing in listings.items() if name not in off}
            served = {name: model for name, model in chosen.items() if model is not None}
            log_changes(self.served, served)
            self.listings, self.served, self.off = listings, served, off
            self._forget()

    def watch(self) -> None:
        """Refresh every half second on a thread of its own; whatever happens there is logged, and it goes on."""
        threading.Thread(target=self._follow, name="store-watch", daemon=True).start()

    def _follow(self) -> None:
        pause, said = threading.Event(), ""
        while not pause.wait(POLL_SECONDS):
            try:
                self.refresh()
                self.verify_one()
                said = ""
            except Exception as error:
                if said != (said := str(error)):
                    log.error("cannot follow the store: %s; serving what is loaded", error)

    def verify_one(self) -> None:
        """Verify one version that nobody has asked for yet, so that a broken one is known before it is wanted."""
        key = next((key for key in self._keys() if key not in self._verified | self.broken.keys()), None)
        if key is None:
            return
        with self._lock:
            self._verified.add(key)
            try:
                verify(self.store.version(key[0], key[1]))
            except BrokenVersion as error:
                self._mark_broken(key, error)

    def _keys(self) -> Iterator[Key]:
        """Every version in the store, the newest of each model first."""
        for listing in self.listings.values():
            for number in sorted(listing.versions, reverse=True):
                yield listing.name, number, listing.versions[number]

    def _choose(self, listing: Listing) -> Model | None:
        """The wanted version; if that is broken the one before goes on, and failing that the next older one."""
        before = self.served.get(listing.name)
        standing = [before.version.number] if before else []
        wanted = listing.wanted or 0
        older = sorted((number for number in listing.versions if number < wanted), reverse=True)
        newer = sorted((number for number in listing.versions if number > wanted), reverse=True)
        for number in chain([wanted], standing, older, newer):
            if number in listing.versions:
                try:
                    return self._load(listing, number)
                except BrokenVersion:
                    continue
        return None

    def _other(self, listing: Listing, number: int) -> Model:
        if number not in listing.versions:
            numbers = ", ".join(map(str, listing.versions))
            raise VersionNotFound(f"model {listing.name!r} has no version {number}; versions: {numbers}")
        try:
            with self._lock:
                model = self._load(listing, number)
                self._forget()
                return model
        except BrokenVersion as error:
            raise ModelUnavailable(f"version {number} of model {listing.name!r} is broken: {error}") from None

    def _load(self, listing: Listing, number: int) -> Model:
        """The loaded version, the very same while its files are the same. Raises BrokenVersion."""
        key = (listing.name, number, listing.versions[number])
        if key in self.broken:
            raise BrokenVersion(self.broken[key])
        if key not in self._loaded:
            try:
                self._loaded[key] = Model(self.store.version(listing.name, number))
            except BrokenVersion as error:
                self._mark_broken(key, error)
                raise
        self._loaded[key] = self._loaded.pop(key)  # the last used stands last
        return self._loaded[key]

    def _mark_broken(self, key: Key, error: BrokenVersion) -> None:
        log.error("version %s of model %r is broken and not served: %s", key[1], key[0], error)
        self.broken[key] = str(error)

    def _forget(self) -> None:
        """Let go of models that are neither served nor among the last used, and of what is unloaded or gone."""
        present, in_use = set(self._keys()), {id(model) for model in self.served.values()}
        kept = {key for key in present if key[0] not in self.off}
        idle = [key for key, model in self._loaded.items() if id(model) not in in_use]
        for key in [*idle[: max(0, len(idle) - OTHERS_KEPT)], *(set(idle) - kept)]:
            self._loaded.pop(key, None)
        self._verified &= present
        self.broken = {key: reason for key, reason in self.broken.items() if key in present}


def absent(name: str, names: Iterable[str]) -> str:
    """What to say when `name` is not in the store, but `names` are."""
    return f"no model {name[:80]!r} in the store (models: {', '.join(names) or 'none yet'})"


def unloaded(name: str) -> str:
    """What to say of a model that somebody has unloaded."""
    return f"model {name!r} is unloaded; POST /v2/repository/models/{name}/load brings it back"


def log_changes(before: Mapping[str, Model], now: Mapping[str, Model]) -> None:
    for name in now.keys() | before.keys():
        if name not in now:
            log.warning("model %r is no longer served", name)
        elif before.get(name) is not now[name]:
            log.info("serving version %s of model %r", now[name].version.number, name)
