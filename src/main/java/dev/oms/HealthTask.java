package dev.oms;

import java.io.IOException;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.URI;

/** {@code --health <url>}: a health check for a container that has neither a shell nor curl. Does not start Quarkus. */
final class HealthTask {
    private static final int TIMEOUT_MILLIS = 3_000;

    private HealthTask() {}

    /**
     * Requests the URL, with time-outs of 3 seconds.
     *
     * @param args {@code --health} and the URL
     * @param out receives the reason for a failure
     * @return the exit code: 0 if the URL answers 200, else 1
     */
    static int run(String[] args, PrintStream out) {
        String url = args.length == 1 ? "" : args[1];
        try {
            HttpURLConnection call = (HttpURLConnection) URI.create(url).toURL().openConnection();
            call.setConnectTimeout(TIMEOUT_MILLIS);
            call.setReadTimeout(TIMEOUT_MILLIS);
            int status = call.getResponseCode();
            if (status == HttpURLConnection.HTTP_OK) {
                return 0;
            }
            out.println(url + " answered " + status);
        } catch (IOException | IllegalArgumentException | ClassCastException e) {
            out.println("No answer from '" + url + "': " + e.getMessage());
        }
        return 1;
    }
}
