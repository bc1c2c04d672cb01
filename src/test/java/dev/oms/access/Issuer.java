package dev.oms.access;

import com.sun.net.httpserver.HttpServer;
import dev.oms.process.OmsProcess;
import io.quarkus.test.common.QuarkusTestResourceLifecycleManager;
import io.vertx.core.json.JsonArray;
import io.vertx.core.json.JsonObject;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * An OpenID Connect issuer: its metadata and its keys over HTTP, and the tokens that it would give. OMS trusts it. With
 * the argument {@value #DOWN} it does not answer until {@link #up}.
 */
public final class Issuer implements QuarkusTestResourceLifecycleManager {
    static final String DOWN = "down";
    static final String AUDIENCE = "oms";

    private static final int COORDINATE_BYTES = 32;

    private static int port;
    private static HttpServer server;
    private static final Map<String, KeyPair> KEYS = new ConcurrentHashMap<>();
    private static final AtomicInteger KEYS_READ = new AtomicInteger();

    private boolean isDown;

    @Override
    public void init(Map<String, String> arguments) {
        isDown = arguments.containsKey(DOWN);
    }

    @Override
    public Map<String, String> start() {
        try {
            port = OmsProcess.freePort();
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        KEYS.clear();
        KEYS.put("rsa", newKey("RSA"));
        KEYS.put("ec", newKey("EC"));
        KEYS.put("spare", newKey("RSA"));
        if (!isDown) {
            up();
        }
        return Map.of("oms.oidc.url", url(), "oms.oidc.audience", AUDIENCE);
    }

    @Override
    public void stop() {
        down();
    }

    static String url() {
        return "http://127.0.0.1:" + port;
    }

    static void up() {
        try {
            server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
        serve(
                "/.well-known/openid-configuration",
                () -> new JsonObject().put("issuer", url()).put("jwks_uri", url() + "/keys"));
        serve("/keys", () -> {
            KEYS_READ.incrementAndGet();
            JsonArray keys = new JsonArray();
            KEYS.forEach((id, key) -> keys.add(publicKey(id, key)));
            return new JsonObject().put("keys", keys);
        });
        server.start();
    }

    /** In its place, somebody who takes connections but never answers. */
    static ServerSocket silent() throws IOException {
        ServerSocket silent = new ServerSocket(port, 50, InetAddress.getLoopbackAddress());
        silent.setSoTimeout(1);
        return silent;
    }

    static void down() {
        if (server != null) {
            server.stop(0);
            server = null;
        }
    }

    private interface Document {
        JsonObject get();
    }

    private static void serve(String path, Document document) {
        server.createContext(path, exchange -> {
            byte[] body = document.get().encode().getBytes(StandardCharsets.UTF_8);
            exchange.getResponseHeaders().add("Content-Type", "application/json");
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
    }

    /** How often the keys have been read. */
    static int keysRead() {
        return KEYS_READ.get();
    }

    /** Replaces a key by one with another id. */
    static void rotate(String id, String successor) {
        KEYS.remove(id);
        KEYS.put(successor, newKey("RSA"));
    }

    static KeyPair key(String id) {
        return KEYS.get(id);
    }

    static KeyPair newKey(String algorithm) {
        try {
            KeyPairGenerator generator = KeyPairGenerator.getInstance(algorithm);
            generator.initialize(algorithm.equals("RSA") ? 2048 : COORDINATE_BYTES * 8);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    private static JsonObject publicKey(String id, KeyPair key) {
        JsonObject jwk = new JsonObject().put("kid", id).put("use", "sig");
        return switch (key.getPublic()) {
            case RSAPublicKey rsa ->
                jwk.put("kty", "RSA")
                        .put("n", unsigned(rsa.getModulus(), rsa.getModulus().bitLength() / 8))
                        .put("e", unsigned(rsa.getPublicExponent(), 3));
            case ECPublicKey ec ->
                jwk.put("kty", "EC")
                        .put("crv", "P-256")
                        .put("x", unsigned(ec.getW().getAffineX(), COORDINATE_BYTES))
                        .put("y", unsigned(ec.getW().getAffineY(), COORDINATE_BYTES));
            default -> throw new IllegalArgumentException(key.toString());
        };
    }

    private static String unsigned(BigInteger number, int length) {
        byte[] bytes = number.toByteArray();
        byte[] padded = new byte[length];
        int digits = Math.min(bytes.length, length);
        System.arraycopy(bytes, bytes.length - digits, padded, length - digits, digits);
        return base64(padded);
    }

    /** The claims of a valid token. */
    static JsonObject claims(String subject, String... roles) {
        Instant now = Instant.now();
        return new JsonObject()
                .put("iss", url())
                .put("aud", AUDIENCE)
                .put("sub", subject)
                .put("iat", now.getEpochSecond())
                .put("exp", now.plusSeconds(300).getEpochSecond())
                .put("groups", new JsonArray(Arrays.asList(roles)));
    }

    /** A token signed by RS256. */
    static String token(JsonObject claims) {
        return sign(claims, "RS256", "rsa");
    }

    static String sign(JsonObject claims, String algorithm, String keyId) {
        return sign(claims, algorithm, keyId, key(keyId).getPrivate());
    }

    static String sign(JsonObject claims, String algorithm, String keyId, PrivateKey key) {
        String signed = unsigned(claims, algorithm, keyId);
        try {
            Signature signature =
                    Signature.getInstance(algorithm.equals("RS256") ? "SHA256withRSA" : "SHA256withECDSAinP1363Format");
            signature.initSign(key);
            signature.update(signed.getBytes(StandardCharsets.US_ASCII));
            return signed + "." + base64(signature.sign());
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    /** A token's header and claims. */
    static String unsigned(JsonObject claims, String algorithm, String keyId) {
        JsonObject header =
                new JsonObject().put("alg", algorithm).put("kid", keyId).put("typ", "JWT");
        return base64(header.encode().getBytes(StandardCharsets.UTF_8)) + "."
                + base64(claims.encode().getBytes(StandardCharsets.UTF_8));
    }

    static String base64(byte[] bytes) {
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
