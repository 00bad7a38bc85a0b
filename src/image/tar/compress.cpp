#include "image/tar/compress.hpp"

#include <unistd.h>

#include <vector>

#include "image/tar/isal.hpp"

namespace consort::image {

namespace {
constexpr std::size_t output_chunk = 256 * 1024;
}

struct GzipWriter::State {
  const IsalLibrary* isal = nullptr;
  ByteSink out;
  isal_zstream stream{};
  std::vector<std::uint8_t> level_buffer = std::vector<std::uint8_t>(ISAL_DEF_LVL1_DEFAULT);
  std::vector<std::byte> output = std::vector<std::byte>(output_chunk);
};

GzipWriter::GzipWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
GzipWriter::GzipWriter(GzipWriter&&) noexcept = default;
GzipWriter& GzipWriter::operator=(GzipWriter&&) noexcept = default;
GzipWriter::~GzipWriter() = default;

Result<GzipWriter> GzipWriter::create(ByteSink out) {
  auto state = std::make_unique<State>();
  state->isal = TRY(isal_library());
  state->out = std::move(out);
  state->isal->deflate_init(&state->stream);
  state->stream.gzip_flag = IGZIP_GZIP;
  state->stream.level = 1;
  state->stream.level_buf = state->level_buffer.data();
  state->stream.level_buf_size = static_cast<std::uint32_t>(state->level_buffer.size());
  state->stream.flush = NO_FLUSH;
  return GzipWriter(std::move(state));
}

Result<> GzipWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min<std::size_t>(bytes.size(), 1U << 30));
    state_->stream.next_in = reinterpret_cast<std::uint8_t*>(const_cast<std::byte*>(part.data()));
    state_->stream.avail_in = static_cast<std::uint32_t>(part.size());
    TRY(run(End::no));
    bytes = bytes.subspan(part.size());
  }
  return {};
}

Result<> GzipWriter::finish() {
  state_->stream.avail_in = 0;
  return run(End::yes);
}

Result<> GzipWriter::run(End end) {
  isal_zstream& stream = state_->stream;
  const bool last = end == End::yes;
  stream.end_of_stream = last ? 1 : 0;
  do {
    stream.next_out = reinterpret_cast<std::uint8_t*>(state_->output.data());
    stream.avail_out = static_cast<std::uint32_t>(state_->output.size());
    if (state_->isal->deflate(&stream) != COMP_OK) return fail(Code::internal, "compress layer");
    const std::size_t made = state_->output.size() - stream.avail_out;
    if (made) TRY(state_->out(std::span(state_->output).first(made)));
  } while (stream.avail_out == 0 || stream.avail_in != 0 || (last && stream.internal_state.state != ZSTATE_END));
  return {};
}

}  // namespace consort::image
