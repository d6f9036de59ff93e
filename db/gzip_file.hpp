#pragma once

#include "messages/expected.hpp"

#include <filesystem>
#include <memory>
#include <string_view>

namespace geartrain {

/// A gzipped text file that is there as a whole or not at all: it is written under another name beside it, and finish()
/// puts it on the disk and in its place. Not thread-safe.
class gzip_file {
public:
  /// Errors: storage.
  static expected<std::unique_ptr<gzip_file>> create(const std::filesystem::path& place);

  /// Without finish() nothing remains.
  ~gzip_file();
  gzip_file(const gzip_file&) = delete;
  gzip_file& operator=(const gzip_file&) = delete;

  /// False on trouble; finish() says which.
  bool write_line(std::string_view line);

  /// The file's path, or what went wrong.
  expected<std::filesystem::path> finish();

private:
  explicit gzip_file(std::filesystem::path place);

  std::filesystem::path place_;
  std::filesystem::path draft_;
  void* stream_ = nullptr; // gzFile
  bool failed_ = false;
};

} // namespace geartrain
