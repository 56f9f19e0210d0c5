// Command devenv-ferretdb speaks MongoDB's wire protocol and keeps the data in SQLite files.
//
// It is FerretDB's embeddable package and nothing else: FerretDB's own command expects version
// files that only its release builds have. Nothing is reported to anybody: the embedded package has
// no telemetry reporter, no debug listener and no state file.
package main

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/ferretdb"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:27017", "TCP address to listen on")
	data := flag.String("data", ".", "existing folder for the SQLite files")
	flag.Parse()

	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := serve(logger, *listen, *data); err != nil {
		logger.Error("cannot serve", "listen", *listen, "data", *data, "error", err)
		os.Exit(1)
	}
}

// serve returns when a signal asked for it and every connection was closed.
//
// The folder becomes the working folder, because FerretDB takes the characters `[`, `*`, `?` and `%`
// in a folder's name for a pattern or an escape, and then does not find the databases in it.
func serve(logger *slog.Logger, listen, data string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	if err := os.Chdir(data); err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: listen},
		Logger:    logger,
		Handler:   "sqlite",
		SQLiteURL: "file:./",
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}
