# cmake --install and the Debian package. Filled by the programs that src/ defines.
