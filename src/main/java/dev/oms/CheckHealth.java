package dev.oms;

import java.io.IOException;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.URI;

/** Asks a process for its health, for a container that has neither a shell nor curl. */
final class CheckHealth {
    private static final int TIMEOUT_MILLIS = 3_000;

    private CheckHealth() {}

    /** Whether 200 is what a URL answers; if not, says why. */
    static boolean of(String url, PrintStream out) {
        try {
            HttpURLConnection call = (HttpURLConnection) URI.create(url).toURL().openConnection();
            call.setConnectTimeout(TIMEOUT_MILLIS);
            call.setReadTimeout(TIMEOUT_MILLIS);
            int status = call.getResponseCode();
            if (status != HttpURLConnection.HTTP_OK) {
                out.println(url + " answers " + status);
            }
            return status == HttpURLConnection.HTTP_OK;
        } catch (IOException | IllegalArgumentException | ClassCastException e) {
            out.println("'" + url + "' does not answer: " + e.getMessage());
            return false;
        }
    }
}
