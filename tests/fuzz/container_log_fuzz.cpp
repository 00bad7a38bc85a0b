// A log file with any content: readers must end, and a writer that repairs it must be able to append to what they find.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <string>

#include "supervisor/log.hpp"

using namespace consort::supervisor;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string directory = [] {
    std::string name = "/tmp/consort-fuzz-log-XXXXXX";
    return std::string(::mkdtemp(name.data()));
  }();
  const std::string path = directory + "/log";
  {
    const auto file = consort::open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file || !consort::write_full(file->get(), std::string_view(reinterpret_cast<const char*>(data), size)))
      return 0;
  }
  for (const std::optional<std::size_t> tail : {std::optional<std::size_t>{}, std::optional<std::size_t>{3}}) {
    LogReader reader(path, LogReadOptions{tail, {}, {}});
    LogReader::LineHandler handler = [](const LogLine&) {};
    (void)reader.read(handler);
    reader.flush(handler);
  }
  auto writer = LogWriter::open(LogUnit{path, 0, 1, false});
  if (!writer) __builtin_trap();
  auto pipe = consort::make_pipe();
  if (!pipe || !consort::write_full(pipe->write.get(), "the end\n")) return 0;
  if (!writer->pump(pipe->read.get(), LogStream::out)) __builtin_trap();
  bool found = false;
  (void)for_each_record(path, [&](const LogRecord& record) { found = record.bytes == "the end\n"; });
  if (!found) __builtin_trap();
  return 0;
}
