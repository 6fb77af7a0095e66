#include "treadle/trace.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <deque>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "fork_handlers.h"
#include "thread_state.h"

namespace treadle::trace {
namespace {

constexpr std::size_t kWords = sizeof(Event) / sizeof(std::uint64_t);
using Words = std::array<std::uint64_t, kWords>;
// Words rather than an Event, so that a reader may look while the owner writes.
using Slot = std::array<std::atomic<std::uint64_t>, kWords>;

// The events of one thread. The owner alone writes, without locks; memory changes hands under the
// registry's mutex. There is one slot more than events are kept: the one that is being written.
struct Ring {
  Slot* slots = nullptr;
  std::size_t num_slots = 0;
  std::atomic<std::uint64_t> session{0};     // of the events inside
  std::atomic<std::uint64_t> num_events{0};  // ever; the last `num_slots - 1` are there
  std::atomic<std::int64_t> parked_since{0};
  bool is_orphan = false;  // its thread ended; guarded by the registry's mutex
  std::uint64_t number = 0;
  std::int64_t thread_id = 0;
  std::string thread_name;
  // The owner's own.
  std::uint64_t next_id = 0;
  std::uint64_t frame = 0;
};

struct Registry {
  ForkSafeMutex mutex;
  std::vector<Ring*> rings;     // guarded by mutex
  std::uint64_t num_rings = 0;  // guarded by mutex
  std::unordered_map<std::string, std::uint32_t> numbers{{"", 0}};
  std::deque<std::string> names{""};
  // Written under the mutex before `enabled`, read by those who see it or a little later.
  std::atomic<std::size_t> capacity{0};
  std::atomic<std::uint64_t> session{0};
  std::atomic<std::int64_t> started_ns{0};
  std::atomic<std::int64_t> stopped_ns{0};
};

// Leaked on purpose: threads may end after static destructors have run.
Registry& registry() {
  static auto* instance = [] {
    at_fork_in_child([] { internal::enabled.store(false); });  // the trace is the parent's
    return new Registry;
  }();
  return *instance;
}

void release(Ring& ring) {
  if (ring.slots) munmap(ring.slots, ring.num_slots * sizeof(Slot));
  ring.slots = nullptr;
  ring.num_slots = 0;
}

struct OwnedRing {
  Ring* ring = nullptr;
  ~OwnedRing() {
    if (!ring) return;
    std::lock_guard lock(registry().mutex);
    ring->is_orphan = true;
    ring = nullptr;
  }
};

// Memory for the events of this session. Pages come at their first touch.
void prepare(Ring& ring, std::uint64_t session) {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  const std::size_t num_slots = all.capacity.load(std::memory_order_relaxed) + 1;
  if (ring.num_slots != num_slots) {
    release(ring);
    void* memory = mmap(nullptr, num_slots * sizeof(Slot), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) {
      ring.slots = static_cast<Slot*>(memory);
      ring.num_slots = num_slots;
    }
  }
  char name[32] = "";
  pthread_getname_np(pthread_self(), name, sizeof name);
  ring.thread_name = name;
  ring.thread_id = syscall(SYS_gettid);
  ring.num_events.store(0, std::memory_order_relaxed);
  ring.parked_since.store(0, std::memory_order_relaxed);
  ring.session.store(session, std::memory_order_release);
}

// The calling thread's ring, ready for this session.
Ring& this_ring() {
  static thread_local OwnedRing owned;
  if (!owned.ring) {
    auto* ring = new Ring;
    Registry& all = registry();
    std::lock_guard lock(all.mutex);
    ring->number = ++all.num_rings;
    all.rings.push_back(ring);
    owned.ring = ring;
  }
  Ring& ring = *owned.ring;
  const std::uint64_t session = registry().session.load(std::memory_order_acquire);
  if (ring.session.load(std::memory_order_relaxed) != session) prepare(ring, session);
  return ring;
}

void push(Ring& ring, const Event& event) {
  const std::uint64_t index = ring.num_events.load(std::memory_order_relaxed);
  if (ring.slots) {
    Slot& slot = ring.slots[index % ring.num_slots];
    const Words words = std::bit_cast<Words>(event);
    // A reader that sees one of these words sees `num_events` at least at `index`.
    std::atomic_thread_fence(std::memory_order_release);
    for (std::size_t i = 0; i < kWords; ++i) slot[i].store(words[i], std::memory_order_relaxed);
  }
  ring.num_events.store(index + 1, std::memory_order_release);
}

Lane read(const Ring& ring) {
  Lane lane{ring.thread_name, ring.thread_id, 0, {}};
  const std::uint64_t end = ring.num_events.load(std::memory_order_acquire);
  const std::uint64_t most = ring.slots ? ring.num_slots - 1 : 0;
  const std::uint64_t first = end - std::min(end, most);
  for (std::uint64_t index = first; index < end; ++index) {
    Words words;
    const Slot& slot = ring.slots[index % ring.num_slots];
    for (std::size_t i = 0; i < kWords; ++i) words[i] = slot[i].load(std::memory_order_relaxed);
    lane.events.push_back(std::bit_cast<Event>(words));
  }
  // What the owner wrote over meanwhile, and what it may be writing now, is lost.
  std::atomic_thread_fence(std::memory_order_acquire);
  const std::uint64_t now = ring.num_events.load(std::memory_order_relaxed);
  lane.num_lost = std::min(end, std::max(first, now - std::min(now, most)));
  lane.events.erase(lane.events.begin(),
                    lane.events.begin() + static_cast<std::ptrdiff_t>(lane.num_lost - first));
  return lane;
}

}  // namespace

namespace internal {

std::atomic<bool> enabled{false};

std::int64_t open() noexcept { return monotonic_ns(); }

std::uint64_t new_id() noexcept {
  Ring& ring = this_ring();
  return ring.number << 40 | ++ring.next_id;
}

std::uint64_t enter_frame(std::uint64_t frame) noexcept {
  return std::exchange(this_ring().frame, frame);
}

void close(Event event) noexcept {
  if (!is_on() || event.begin_ns < registry().started_ns.load(std::memory_order_relaxed)) return;
  Ring& ring = this_ring();
  event.frame = ring.frame;
  event.end_ns = monotonic_ns();
  push(ring, event);
}

std::int64_t open_park() noexcept {
  const std::int64_t now = monotonic_ns();
  this_ring().parked_since.store(now, std::memory_order_relaxed);
  return now;
}

void close_idle(Kind kind, std::int64_t begin_ns) noexcept {
  Ring& ring = this_ring();
  ring.parked_since.store(0, std::memory_order_relaxed);
  begin_ns = std::max(begin_ns, registry().started_ns.load(std::memory_order_relaxed));
  push(ring, {begin_ns, monotonic_ns(), 0, ring.frame, 0, 0, 0, kind});
}

}  // namespace internal

void start(std::size_t capacity) {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  std::erase_if(all.rings, [](Ring* ring) {
    if (!ring->is_orphan) return false;
    release(*ring);
    delete ring;
    return true;
  });
  all.capacity.store(std::max<std::size_t>(capacity, 1));
  all.started_ns.store(monotonic_ns());
  all.session.fetch_add(1);
  internal::enabled.store(true);
}

void stop() noexcept {
  registry().stopped_ns.store(monotonic_ns());
  internal::enabled.store(false);
}

std::vector<Lane> collect() {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  std::vector<Lane> lanes;
  const std::uint64_t session = all.session.load();
  for (Ring* ring : all.rings) {
    if (ring->session.load(std::memory_order_acquire) != session) continue;
    Lane& lane = lanes.emplace_back(read(*ring));
    const std::int64_t now = is_on() ? monotonic_ns() : all.stopped_ns.load();
    const std::int64_t since = ring->parked_since.load(std::memory_order_relaxed);
    if (since != 0 && since < now) lane.events.push_back({since, now, 0, 0, 0, 0, 0, Kind::kPark});
  }
  return lanes;
}

void discard() noexcept {
  internal::enabled.store(false);
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  all.session.fetch_add(1);
  // Whoever still writes gets new pages, and nobody reads what it wrote.
  for (Ring* ring : all.rings)
    if (ring->slots) madvise(ring->slots, ring->num_slots * sizeof(Slot), MADV_DONTNEED);
}

std::uint32_t intern(const std::string& name) {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  auto [found, is_new] =
      all.numbers.try_emplace(name, static_cast<std::uint32_t>(all.names.size()));
  if (is_new) all.names.push_back(name);
  return found->second;
}

std::vector<std::string> names() {
  Registry& all = registry();
  std::lock_guard lock(all.mutex);
  return {all.names.begin(), all.names.end()};
}

void record(std::uint32_t name, std::int64_t begin_ns, std::int64_t end_ns) noexcept {
  if (!is_on() || begin_ns < registry().started_ns.load(std::memory_order_relaxed)) return;
  Ring& ring = this_ring();
  push(ring, {begin_ns, end_ns, 0, ring.frame, 0, 0, name, Kind::kHost});
}

}  // namespace treadle::trace
