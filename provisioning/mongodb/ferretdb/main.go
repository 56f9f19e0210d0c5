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
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
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
func serve(logger *slog.Logger, listen, data string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()

	location, err := sqliteURL(data)
	if err != nil {
		return err
	}
	server, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{TCP: listen},
		Logger:    logger,
		Handler:   "sqlite",
		SQLiteURL: location,
	})
	if err != nil {
		return err
	}
	return server.Run(ctx)
}

// sqliteURL escapes the folder's name: it may hold spaces, `?` and `%`.
func sqliteURL(folder string) (string, error) {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	location := url.URL{Scheme: "file", Path: absolute + "/"}
	return location.String(), nil
}
