#include <nanobind/stl/string.h>

#include "arrays.h"
#include "bindings.h"
#include "treadle/block_cache.h"

namespace treadle {
namespace {

nb::object empty(nb::handle shape, nb::handle dtype) {
  return make_array(parse_array_type(nb::make_tuple(dtype, shape)));
}

nb::dict statistics() {
  BlockStatistics now = block_statistics();
  nb::dict result;
  result["cached_bytes"] = now.cached_bytes;
  result["in_use_bytes"] = now.in_use_bytes;
  result["limit_bytes"] = now.limit_bytes;
  result["num_reused"] = now.num_reused;
  result["num_fresh"] = now.num_fresh;
  return result;
}

}  // namespace

void bind_memory(nb::module_& m) {
  m.def("empty", empty, nb::arg("shape"), nb::arg("dtype"),
        "An uninitialised array whose memory comes from the cache of freed results.");
  m.def("trim_memory", trim_blocks, nb::arg("keep_bytes") = 0,
        "Give cached memory back to the system until at most `keep_bytes` remain.");
  m.def("set_memory_limit", set_block_limit, nb::arg("limit_bytes"),
        "Bound the bytes that are kept for reuse.");
  m.def("guard_memory", guard_blocks,
        "For tests: let each block end at memory that nobody may touch, and use none again.");
  m.def("memory_statistics", statistics, "Bytes cached and in use, and how often reuse worked.");
}

}  // namespace treadle
