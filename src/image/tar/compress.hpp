// Compresses layers for a push: a sink in front of another sink.
#pragma once

#include <memory>

#include "image/layer_tar.hpp"

namespace consort::image {

class GzipWriter {
 public:
  static Result<GzipWriter> create(ByteSink out);
  GzipWriter(GzipWriter&&) noexcept;
  GzipWriter& operator=(GzipWriter&&) noexcept;
  ~GzipWriter();
  Result<> write(std::span<const std::byte> bytes);
  Result<> finish();  // once, at the end

 private:
  struct State;
  explicit GzipWriter(std::unique_ptr<State> state);
  enum class End : std::uint8_t { no, yes };
  Result<> run(End end);
  std::unique_ptr<State> state_;
};

}  // namespace consort::image
