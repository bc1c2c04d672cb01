package dev.oms.bench;

import dev.oms.Ledger;
import dev.oms.access.TestKeys;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** Calls with keys: valid ones, one that floods, and invalid ones. */
final class AccessLoad {
    private static final int SENDERS = 8;

    /** Of {@code 127.0.0.0/8}, because the failures of one address are limited. */
    private static final int ADDRESSES = 60_000;

    private AccessLoad() {}

    /** The header of a key that may use so many units a second. */
    static String authorization(Ledger ledger, int rate) {
        String key = TestKeys.admin(ledger);
        ledger.execute("update api_keys set rate = %d where id = (select max(id) from api_keys)".formatted(rate));
        return authorization(key);
    }

    private static String authorization(String key) {
        return "Authorization: Bearer " + key + "\r\n";
    }

    /** Sends requests at a fixed rate, most of which are refused, until it is closed. */
    static final class Flood implements AutoCloseable {
        private final AtomicBoolean isOver = new AtomicBoolean();
        private final List<Thread> senders = new ArrayList<>();

        Flood(int port, String authorization, int perSecond) {
            for (int i = 0; i < SENDERS; i++) {
                senders.add(Thread.ofPlatform().start(() -> {
                    try (Socket socket = new Socket("localhost", port)) {
                        long next = System.nanoTime();
                        while (!isOver.get()) {
                            status(socket, authorization);
                            next += 1_000_000_000L * SENDERS / perSecond;
                            Thread.sleep(Math.max(0, (next - System.nanoTime()) / 1_000_000));
                        }
                    } catch (IOException | InterruptedException e) {
                        throw new IllegalStateException("The flood ended early", e);
                    }
                }));
            }
        }

        @Override
        public void close() {
            isOver.set(true);
            for (Thread sender : senders) {
                try {
                    sender.join();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return;
                }
            }
        }
    }

    /** How long it takes to refuse keys of each kind, one at a time and in turn: the quartiles in milliseconds. */
    static Map<String, List<Double>> refusals(Ledger ledger, int port, int times) throws IOException {
        Map<String, List<String>> keys = new LinkedHashMap<>();
        keys.put("unknown", TestKeys.unknown(times));
        keys.put("revoked", TestKeys.many(ledger, times, "null", "now() - interval '1 hour'"));
        keys.put("expired", TestKeys.many(ledger, times, "now() - interval '1 hour'", "null"));
        Map<String, long[]> nanos = new LinkedHashMap<>();
        keys.keySet().forEach(kind -> nanos.put(kind, new long[times]));
        int address = 0;
        for (int i = 0; i < times; i++) {
            for (Map.Entry<String, List<String>> kind : keys.entrySet()) {
                try (Socket socket = new Socket()) {
                    int from = ++address % ADDRESSES;
                    socket.bind(new InetSocketAddress(
                            InetAddress.getByAddress(new byte[] {127, 1, (byte) (from >> 8), (byte) from}), 0));
                    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
                    long started = System.nanoTime();
                    int status = status(socket, authorization(kind.getValue().get(i)));
                    nanos.get(kind.getKey())[i] = System.nanoTime() - started;
                    if (status != 401) {
                        throw new IllegalStateException("An %s key got %d".formatted(kind.getKey(), status));
                    }
                }
            }
        }
        Map<String, List<Double>> quartiles = new LinkedHashMap<>();
        nanos.forEach((kind, all) -> {
            Arrays.sort(all);
            quartiles.put(kind, List.of(all[times / 4] / 1e6, all[times / 2] / 1e6, all[times * 3 / 4] / 1e6));
        });
        return quartiles;
    }

    /** Sends a request and reads the whole response. */
    private static int status(Socket socket, String authorization) throws IOException {
        socket.setTcpNoDelay(true);
        socket.getOutputStream()
                .write(("GET /orders/1 HTTP/1.1\r\nHost: localhost\r\n" + authorization + "\r\n")
                        .getBytes(StandardCharsets.US_ASCII));
        InputStream in = socket.getInputStream();
        byte[] buffer = new byte[8_192];
        int filled = 0;
        while (true) {
            int count = in.read(buffer, filled, buffer.length - filled);
            if (count < 0) {
                throw new IOException("The connection was closed");
            }
            filled += count;
            String response = new String(buffer, 0, filled, StandardCharsets.ISO_8859_1);
            int head = response.indexOf("\r\n\r\n");
            if (head > 0
                    && filled
                            >= head
                                    + 4
                                    + Integer.parseInt(
                                            HttpConnection.header(response.substring(0, head + 2), "Content-Length"))) {
                return Integer.parseInt(response.substring(9, 12));
            }
        }
    }
}
