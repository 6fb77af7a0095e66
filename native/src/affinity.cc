#include "affinity.h"

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>

#include "budget.h"
#include "fork_handlers.h"

namespace treadle {
namespace {

constexpr int kMaxCpus = 4096;

std::atomic<Affinity> current{Affinity::kNone};

// Claims of this process: a socket's descriptor plus one, 0 for none. A claim is an abstract socket
// with the processor's number in its name: the system ends it with the process, however that ends.
std::array<std::atomic<int>, kMaxCpus> claims{};
std::atomic<int> callers_cpu{-1};  // claimed, but nobody is tied to it

bool claim(int cpu) {
  if (cpu >= kMaxCpus) return false;
  const int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return false;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The first byte stays zero: a name without a file.
  const int length =
      std::snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "treadle-cpu-%d", cpu);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + length);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), size) != 0) {
    close(descriptor);
    return false;
  }
  claims[cpu].store(descriptor + 1);
  return true;
}

void release(int cpu) {
  if (const int descriptor = claims[cpu].exchange(0)) close(descriptor - 1);
}

// They are the parent's; it holds them by descriptors of its own.
void forget_claims() {
  for (int cpu = 0; cpu < kMaxCpus; ++cpu) release(cpu);
  callers_cpu.store(-1);
}

int claim_first(const std::vector<int>& cpus) {
  for (int cpu : cpus)
    if (claim(cpu)) return cpu;
  return -1;
}

void tie_to(const std::vector<int>& cpus) {
  const int size = *std::max_element(cpus.begin(), cpus.end()) + 1;
  cpu_set_t* set = CPU_ALLOC(size);
  CPU_ZERO_S(CPU_ALLOC_SIZE(size), set);
  for (int cpu : cpus) CPU_SET_S(cpu, CPU_ALLOC_SIZE(size), set);
  pthread_setaffinity_np(pthread_self(), CPU_ALLOC_SIZE(size), set);
  CPU_FREE(set);
}

std::string siblings_of(int cpu, const std::string& root) {
  std::ifstream file(root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) +
                     "/topology/thread_siblings_list");
  std::string line;
  std::getline(file, line);
  return line.empty() ? std::to_string(cpu) : line;
}

// Whether a list such as "0-3,8" holds the number.
bool holds(const std::string& list, int number) {
  for (const char* at = list.c_str(); *at;) {
    int first = 0, last = 0, length = 0;
    if (std::sscanf(at, "%d%n", &first, &length) != 1) return false;
    at += length;
    last = first;
    if (*at == '-' && std::sscanf(at, "-%d%n", &last, &length) == 1) at += length;
    if (first <= number && number <= last) return true;
    if (*at) ++at;
  }
  return false;
}

int node_of(int cpu, const std::string& root) {
  for (int node = 0;; ++node) {
    std::ifstream file(root + "/sys/devices/system/node/node" + std::to_string(node) + "/cpulist");
    std::string list;
    if (!std::getline(file, list)) return 0;
    if (holds(list, cpu)) return node;
  }
}

}  // namespace

Affinity parse_affinity(const std::string& name) {
  if (name == "none") return Affinity::kNone;
  if (name == "compact") return Affinity::kCompact;
  if (name == "spread") return Affinity::kSpread;
  throw std::invalid_argument("affinity is none, compact or spread, not " + name);
}

std::vector<int> order_cpus(Affinity affinity, const std::vector<int>& cpus,
                            const std::string& root) {
  if (affinity == Affinity::kNone) return cpus;
  std::map<std::string, int> threads_of_core;
  std::map<std::pair<int, int>, int> threads_of_node;  // by node and number of the core's thread
  std::vector<std::tuple<int, int, int, int>> keyed;
  for (int cpu : cpus) {
    const int node = node_of(cpu, root);
    const int thread = threads_of_core[siblings_of(cpu, root)]++;
    const int place = threads_of_node[{node, thread}]++;
    if (affinity == Affinity::kCompact)
      keyed.emplace_back(thread, node, place, cpu);
    else
      keyed.emplace_back(thread, place, node, cpu);
  }
  std::sort(keyed.begin(), keyed.end());
  std::vector<int> ordered;
  for (const auto& key : keyed) ordered.push_back(std::get<3>(key));
  return ordered;
}

void set_affinity(Affinity affinity) noexcept {
  static const bool registered = [] {
    at_fork_in_child(forget_claims);
    return true;
  }();
  static_cast<void>(registered);
  current.store(affinity);
}

PinnedScope::PinnedScope() {
  const Affinity affinity = current.load();
  if (affinity == Affinity::kNone) return;
  // A worker may be started by one that is tied already: ask for the process's mask.
  const std::vector<int> all = affinity_mask(getpid());
  if (all.empty()) return;
  const std::vector<int> cpus = order_cpus(affinity, all);
  if (int nobody = -1; callers_cpu.compare_exchange_strong(nobody, -2))
    callers_cpu.store(claim_first(cpus));
  cpu_ = claim_first(cpus);
  tie_to(cpu_ >= 0 ? std::vector<int>{cpu_} : all);
}

PinnedScope::~PinnedScope() {
  if (cpu_ >= 0) release(cpu_);
}

}  // namespace treadle
