#include "db/gzip_file.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace geartrain {

namespace fs = std::filesystem;

namespace {

gzFile raw(void* stream) {
  return static_cast<gzFile>(stream);
}

/// Puts a file, or the names in a directory, on the disk.
bool synchronize(const fs::path& path) {
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  auto ok = ::fsync(fd) == 0;
  ::close(fd);
  return ok;
}

failure trouble(const fs::path& path) {
  return {errc::storage, "can't write " + path.string() + ": " + std::strerror(errno)};
}

} // namespace

gzip_file::gzip_file(fs::path place) : place_(std::move(place)), draft_(place_) {
  draft_ += ".part";
}

expected<std::unique_ptr<gzip_file>> gzip_file::create(const fs::path& place) {
  std::unique_ptr<gzip_file> file{new gzip_file(place)};
  file->stream_ = gzopen(file->draft_.c_str(), "wb");
  if (!file->stream_)
    return trouble(file->draft_);
  return file;
}

gzip_file::~gzip_file() {
  if (!stream_)
    return;
  gzclose(raw(stream_));
  std::error_code ignored;
  fs::remove(draft_, ignored);
}

bool gzip_file::write_line(std::string_view line) {
  auto size = static_cast<unsigned>(line.size());
  failed_ = failed_ || (size > 0 && gzwrite(raw(stream_), line.data(), size) != static_cast<int>(size)) ||
            gzputc(raw(stream_), '\n') < 0;
  return !failed_;
}

expected<fs::path> gzip_file::finish() {
  auto closed = gzclose(raw(std::exchange(stream_, nullptr))) == Z_OK;
  std::error_code code;
  if (failed_ || !closed || !synchronize(draft_)) {
    auto why = trouble(draft_);
    fs::remove(draft_, code);
    return why;
  }
  fs::rename(draft_, place_, code);
  if (code || !synchronize(place_.parent_path()))
    return trouble(place_);
  return place_;
}

} // namespace geartrain
