#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>

#include "arrays.h"
#include "bindings.h"
#include "gil.h"
#include "treadle/trace.h"

namespace treadle {
namespace {

// Ends the trace. (thread name, thread id, lost, int64[n, 7]) for each thread; the last column is
// name and kind.
nb::list collect() {
  std::vector<trace::Lane> lanes;
  {
    const WithoutGil released;
    lanes = trace::collect();
    trace::discard();
  }
  nb::object int64 = parse_array_type(nb::make_tuple("int64", nb::make_tuple(0))).descr;
  nb::list result;
  for (const trace::Lane& lane : lanes) {
    const npy_intp shape[] = {static_cast<npy_intp>(lane.events.size()),
                              sizeof(trace::Event) / sizeof(std::int64_t)};
    nb::object events = make_array(int64, 2, shape);
    if (!lane.events.empty())
      std::memcpy(PyArray_DATA(as_numpy(events)), lane.events.data(),
                  lane.events.size() * sizeof(trace::Event));
    result.append(nb::make_tuple(lane.thread_name, lane.thread_id, lane.num_lost, events));
  }
  return result;
}

void record(const std::string& name, std::int64_t begin_ns, std::int64_t end_ns) {
  if (trace::is_on()) trace::record(trace::intern(name), begin_ns, end_ns);
}

}  // namespace

void bind_trace(nb::module_& m) {
  m.def("trace_start", trace::start, nb::arg("capacity"),
        "Record from now on, the last `capacity` events of each thread; forgets earlier ones.");
  m.def("trace_stop", trace::stop, "Record no more.");
  m.def("trace_is_on", trace::is_on, "Whether events are recorded.");
  m.def("trace_collect", collect,
        "Name, id, number of lost events and events of each thread, which are forgotten.");
  m.def("trace_names", trace::names, "The names that events refer to by number.");
  m.def("trace_record", record, nb::arg("name"), nb::arg("begin_ns"), nb::arg("end_ns"),
        "Record a span that the calling thread measured with the monotonic clock.");
}

}  // namespace treadle
