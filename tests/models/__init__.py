"""Published architectures in plain torch, as archives that Treadle must run (see `registry`)."""
