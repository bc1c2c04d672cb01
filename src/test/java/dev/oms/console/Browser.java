package dev.oms.console;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.logging.Level;
import org.awaitility.core.ThrowingRunnable;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.NoSuchElementException;
import org.openqa.selenium.StaleElementReferenceException;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.interactions.Actions;
import org.openqa.selenium.logging.LogEntry;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/** A headless Chromium, as an operator's browser, that remembers what went wrong on its pages. */
final class Browser implements AutoCloseable {
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final ObjectMapper JSON = new ObjectMapper();

    private final Path profile;
    private final ChromeDriver driver;

    private Browser(Path profile, ChromeDriver driver) {
        this.profile = profile;
        this.driver = driver;
    }

    /** Whether there are a {@code chromium} and its {@code chromedriver} on the PATH. */
    static boolean isInstalled() {
        return find("chromium").isPresent() && find("chromedriver").isPresent();
    }

    private static Optional<File> find(String program) {
        return Arrays.stream(System.getenv("PATH").split(File.pathSeparator))
                .map(directory -> new File(directory, program))
                .filter(File::canExecute)
                .findFirst();
    }

    static Browser start() throws IOException {
        Path profile = Files.createTempDirectory("oms-chromium");
        LoggingPreferences logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        logs.enable(LogType.PERFORMANCE, Level.ALL);
        ChromeOptions options = new ChromeOptions();
        options.setBinary(find("chromium").orElseThrow());
        options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
        options.addArguments(
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--user-data-dir=" + profile);
        // With the driver's path given, Selenium looks for none, and downloads none.
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(find("chromedriver").orElseThrow())
                .usingAnyFreePort()
                .build();
        return new Browser(profile, new ChromeDriver(service, options));
    }

    // --- Looking ---

    /** Opens a page afresh, as from a bookmark. */
    void open(String url) {
        leave();
        driver.get(url);
        await(() -> assertThat(text("h1")).isNotEmpty());
    }

    /** Follows an address of the console from the page that is open to another one. */
    void turnTo(String hash) {
        driver.executeScript("document.querySelector('h1').id = 'left'; location.hash = arguments[0]", hash);
        await(() -> assertThat(driver.findElements(By.id("left"))).isEmpty());
    }

    /** Shows no page, and asks nobody for anything. */
    void leave() {
        driver.get("about:blank");
    }

    void resize(int width, int height) {
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
    }

    /** @param scheme dark or light */
    void prefer(String scheme) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
    }

    /** Waits until something holds, which may take one look or many. */
    static void await(ThrowingRunnable assertion) {
        org.awaitility.Awaitility.await()
                .atMost(PATIENCE)
                .pollInterval(Duration.ofMillis(100))
                .ignoreExceptionsMatching(
                        e -> e instanceof NoSuchElementException || e instanceof StaleElementReferenceException)
                .untilAsserted(assertion);
    }

    /** The text that is seen of the first that fits. */
    String text(String css) {
        return driver.findElement(By.cssSelector(css)).getText();
    }

    /** The texts that are seen of all that fit. */
    List<String> texts(String css) {
        return driver.findElements(By.cssSelector(css)).stream()
                .filter(WebElement::isDisplayed)
                .map(WebElement::getText)
                .toList();
    }

    Object run(String script) {
        return driver.executeScript(script);
    }

    // --- Doing ---

    void click(String css) {
        await(() -> driver.findElement(By.cssSelector(css)).click());
    }

    void type(String css, String text) {
        WebElement field = driver.findElement(By.cssSelector(css));
        field.clear();
        field.sendKeys(text);
    }

    void press(Keys... keys) {
        new Actions(driver).sendKeys(keys).perform();
    }

    // --- What went wrong ---

    /** What the console of the browser was told that is bad, and every request that failed or went elsewhere. */
    List<String> complaints(String origin) {
        List<String> complaints = new ArrayList<>();
        for (LogEntry entry : driver.manage().logs().get(LogType.BROWSER)) {
            if (entry.getLevel().intValue() >= Level.WARNING.intValue()) {
                complaints.add(entry.getMessage());
            }
        }
        for (LogEntry entry : driver.manage().logs().get(LogType.PERFORMANCE)) {
            JsonNode message = read(entry.getMessage()).path("message");
            JsonNode params = message.path("params");
            switch (message.path("method").asText()) {
                // A page that is left cancels what it has asked for.
                case "Network.loadingFailed" -> {
                    if (!params.path("canceled").asBoolean()) {
                        complaints.add(params.path("errorText").asText() + " "
                                + params.path("type").asText());
                    }
                }
                case "Network.responseReceived" -> {
                    JsonNode response = params.path("response");
                    if (response.path("status").asInt() >= 400) {
                        complaints.add(response.path("status").asInt() + " "
                                + response.path("url").asText());
                    }
                }
                case "Network.requestWillBeSent" -> {
                    String url = params.path("request").path("url").asText();
                    if (url.startsWith("http") && !url.startsWith(origin)) {
                        complaints.add("asked " + url);
                    }
                }
                default -> {}
            }
        }
        return complaints;
    }

    private static JsonNode read(String json) {
        try {
            return JSON.readTree(json);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * What axe-core finds that is serious or critical, each with the elements that it is about.
     *
     * @param rules by which alone; all, when it is empty
     */
    List<String> accessibilityViolations(List<String> rules) throws IOException {
        // Not as a script element, which the content security policy would not allow.
        if (Boolean.FALSE.equals(run("return 'axe' in window"))) {
            driver.executeScript(axe());
        }
        Object found = driver.executeAsyncScript("""
                const [rules, done] = arguments;
                const runOnly = rules.length ? {runOnly: {type: 'rule', values: rules}} : {};
                axe.run(document, {resultTypes: ['violations'], ...runOnly}).then(({violations}) => done(violations
                    .filter(({impact}) => impact === 'serious' || impact === 'critical')
                    .map(({id, nodes}) => id + ': ' + nodes.map(({html}) => html).join(' '))))""", rules);
        return ((List<?>) found).stream().map(String::valueOf).toList();
    }

    private static String axe() throws IOException {
        try (InputStream script = Thread.currentThread().getContextClassLoader().getResourceAsStream("axe.min.js")) {
            return new String(script.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @Override
    public void close() {
        driver.quit();
        try (var files = Files.walk(profile)) {
            files.map(Path::toFile).sorted(Comparator.reverseOrder()).forEach(File::delete);
        } catch (IOException | UncheckedIOException e) {
            // What Chromium is still deleting itself.
        }
    }
}
