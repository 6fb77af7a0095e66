"""Rewrites from graph to graph: each module has one public function, named as the module does."""
