#include <zstd.h>

#include <array>
#include <cstring>
#include <memory>
#include <vector>

#include "base/os/fd.hpp"
#include "image/layer_tar.hpp"
#include "image/tar/isal.hpp"

namespace consort::image {

namespace {

constexpr std::size_t input_chunk = 256 * 1024;
// A zstd frame may request a window of up to 2 GiB; real layers need 8 MiB (128 MiB with --ultra --long=27).
constexpr int zstd_window_log_max = 27;

Error damaged(std::string why) {
  return Error(Code::invalid, "decompress").why(std::move(why));
}

// The compressed bytes, a chunk at a time; the first ones can be inspected before they are used.
struct Input {
  ByteSource source;
  std::vector<std::byte> buffer;
  std::size_t at = 0, end = 0;
  bool at_end = false;

  std::size_t left() const { return end - at; }
  std::byte* data() { return buffer.data() + at; }

  Result<> fill() {  // appends the result of one read; requires free space
    if (at == end) at = end = 0;
    const std::size_t got = TRY(source(std::span(buffer).subspan(end)));
    if (got == 0) at_end = true;
    end += got;
    return {};
  }
};

class Plain {
 public:
  explicit Plain(Input input) : input_(std::move(input)) {}
  Result<std::size_t> operator()(std::span<std::byte> into) {
    if (input_.left() == 0) return input_.at_end ? Result<std::size_t>(0) : input_.source(into);
    const std::size_t count = std::min(into.size(), input_.left());
    std::memcpy(into.data(), input_.data(), count);
    input_.at += count;
    return count;
  }

 private:
  Input input_;
};

// gzip, including several members in a row (pigz and estargz write those).
class Gunzip {
 public:
  Gunzip(Input input, const IsalLibrary* isal) : input_(std::move(input)), isal_(isal) {
    isal_->inflate_init(state_.get());
    state_->crc_flag = IGZIP_GZIP;
  }

  Result<std::size_t> operator()(std::span<std::byte> into) {
    if (into.empty()) return 0;
    state_->next_out = reinterpret_cast<std::uint8_t*>(into.data());
    state_->avail_out = static_cast<std::uint32_t>(std::min<std::size_t>(into.size(), 1U << 30));
    const std::uint32_t room = state_->avail_out;
    while (state_->avail_out == room) {
      if (ended_ && !TRY(next_member())) return 0;
      if (input_.left() == 0 && !input_.at_end) TRY(input_.fill());
      TRY(step());
    }
    return room - state_->avail_out;
  }

 private:
  Result<bool> next_member() {
    if (input_.left() == 0 && !input_.at_end) TRY(input_.fill());
    if (input_.left() == 0) return false;
    if (*input_.data() != std::byte{0x1f}) return drain();  // padding, as written by tar programs for tapes
    isal_->inflate_reset(state_.get());
    state_->crc_flag = IGZIP_GZIP;
    ended_ = false;
    return true;
  }

  Result<bool> drain() {
    while (!input_.at_end) {
      input_.at = input_.end;
      TRY(input_.fill());
    }
    input_.at = input_.end;
    return false;
  }

  Result<> step() {
    state_->next_in = reinterpret_cast<std::uint8_t*>(input_.data());
    state_->avail_in = static_cast<std::uint32_t>(input_.left());
    const std::uint32_t room = state_->avail_out;
    const int status = isal_->inflate(state_.get());
    const std::size_t used = input_.left() - state_->avail_in;
    input_.at += used;
    if (status != ISAL_DECOMP_OK) return fail(damaged("the gzip data is damaged"));
    if (state_->block_state == ISAL_BLOCK_FINISH) ended_ = true;
    const bool stuck = used == 0 && state_->avail_out == room && !ended_;
    if (stuck && input_.at_end) return fail(damaged("the gzip data ends too early"));
    return {};
  }

  Input input_;
  const IsalLibrary* isal_;
  std::unique_ptr<inflate_state> state_ = std::make_unique<inflate_state>();
  bool ended_ = false;
};

struct ZstdFree {
  void operator()(ZSTD_DCtx* context) const { ::ZSTD_freeDCtx(context); }
};

class Unzstd {
 public:
  explicit Unzstd(Input input) : input_(std::move(input)), context_(::ZSTD_createDCtx()) {
    ::ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, zstd_window_log_max);
  }

  Result<std::size_t> operator()(std::span<std::byte> into) {
    ZSTD_outBuffer out{into.data(), into.size(), 0};
    while (out.pos == 0 && !into.empty()) {
      if (input_.left() == 0 && !input_.at_end) TRY(input_.fill());
      if (input_.left() == 0 && input_.at_end && frame_done_) return 0;
      ZSTD_inBuffer in{input_.data(), input_.left(), 0};
      const std::size_t status = ::ZSTD_decompressStream(context_.get(), &out, &in);
      if (::ZSTD_isError(status)) return fail(damaged(std::string("zstd: ") + ::ZSTD_getErrorName(status)));
      input_.at += in.pos;
      frame_done_ = status == 0;
      if (!frame_done_ && in.pos == 0 && out.pos == 0 && input_.at_end)
        return fail(damaged("the zstd data ends too early"));
    }
    return out.pos;
  }

 private:
  Input input_;
  std::unique_ptr<ZSTD_DCtx, ZstdFree> context_;
  bool frame_done_ = true;
};

// Chooses the decompressor after the first read, because the compression is not known before.
class Chooser {
 public:
  explicit Chooser(ByteSource packed) : packed_(std::move(packed)) {}

  Result<std::size_t> operator()(std::span<std::byte> into) {
    if (!chosen_) TRY(choose());
    return chosen_(into);
  }

 private:
  Result<> choose() {
    Input input{std::move(packed_), std::vector<std::byte>(input_chunk)};
    while (input.left() < 4 && !input.at_end) TRY(input.fill());
    const auto starts = [&](std::initializer_list<unsigned char> magic) {
      return input.left() >= magic.size() && std::memcmp(input.data(), magic.begin(), magic.size()) == 0;
    };
    // State machines cannot be copied, but std::function requires it: hence the shared pointers.
    if (starts({0x1f, 0x8b})) {
      auto gunzip = std::make_shared<Gunzip>(std::move(input), TRY(isal_library()));
      chosen_ = [gunzip](std::span<std::byte> into) { return (*gunzip)(into); };
    } else if (starts({0x28, 0xb5, 0x2f, 0xfd})) {
      auto unzstd = std::make_shared<Unzstd>(std::move(input));
      chosen_ = [unzstd](std::span<std::byte> into) { return (*unzstd)(into); };
    } else {
      auto plain = std::make_shared<Plain>(std::move(input));
      chosen_ = [plain](std::span<std::byte> into) { return (*plain)(into); };
    }
    return {};
  }

  ByteSource packed_;
  ByteSource chosen_;
};

}  // namespace

ByteSource decompressed(ByteSource packed) {
  auto chooser = std::make_shared<Chooser>(std::move(packed));
  return [chooser](std::span<std::byte> into) { return (*chooser)(into); };
}

}  // namespace consort::image
