// A folder that stands for "/" where the runtime reads what the system says.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace treadle {

// Removed at the end.
class FakeRoot {
 public:
  FakeRoot() {
    char name[] = "/tmp/treadle-budget-XXXXXX";
    path_ = mkdtemp(name);
  }
  FakeRoot(FakeRoot&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~FakeRoot() {
    if (!path_.empty()) std::filesystem::remove_all(path_);
  }
  void write(const std::string& file, const std::string& text) {
    std::filesystem::path full = path_ + file;
    std::filesystem::create_directories(full.parent_path());
    std::ofstream(full) << text << "\n";
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace treadle
